"""Prints dequantize-goldens.txt: per line a type, block bytes (hex) and their values (f32, little-endian, hex).

Run with the packages gguf and numpy: python3 make_dequantize_goldens.py > dequantize-goldens.txt
"""

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
# Offsets of the f16 scales in a block
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
# Smallest subnormal, largest, most negative, negative zero, infinity, an ordinary one
EXTREMES = [0x0001, 0x7BFF, 0xFBFF, 0x8000, 0x7C00, 0x2E66]

rng = np.random.default_rng(1)
for name in TYPES:
    kind = GGMLQuantizationType[name]
    length, size = GGML_QUANT_SIZES[kind]
    count = len(EXTREMES) if name in SCALES else 64
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for i in range(count):
        for k, offset in enumerate(SCALES.get(name, [])):
            scale = EXTREMES[(i + k) % len(EXTREMES)]
            blocks[i, offset : offset + 2] = np.frombuffer(np.uint16(scale).tobytes(), np.uint8)
    with np.errstate(all="ignore"):
        values = dequantize(blocks.reshape(1, -1), kind).astype("<f4")
    print(name, blocks.tobytes().hex(), values.tobytes().hex())
