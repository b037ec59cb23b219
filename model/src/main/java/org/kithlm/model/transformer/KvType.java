package org.kithlm.model.transformer;

import java.util.Locale;
import org.kithlm.model.kernel.QuantizedFloats;

/** How keys and values are kept. As a string it is the word that users write and read. */
public enum KvType {
  /** 16-bit floats. */
  F16,
  /** 8-bit integers with an f32 step for each {@value QuantizedFloats#BLOCK} of them. */
  Q8;

  /** Bytes of one head's key or value at one position. */
  public long bytes(int headDim) {
    return switch (this) {
      case F16 -> (long) headDim * Short.BYTES;
      case Q8 -> headDim + (long) QuantizedFloats.blocks(headDim) * Float.BYTES;
    };
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
