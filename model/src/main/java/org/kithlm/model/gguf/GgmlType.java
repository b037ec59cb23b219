package org.kithlm.model.gguf;

/**
 * Element types of GGUF tensors that KithLM computes with. A type stores {@link #blockLength()}
 * elements in {@link #blockBytes()} bytes. Numbers and layouts are those of the GGUF specification
 * (ggml/docs/gguf.md).
 */
public enum GgmlType {
  /** 32-bit IEEE float. */
  F32(0, 1, 4),
  /** 16-bit IEEE float. */
  F16(1, 1, 2),
  /** 4-bit, one f16 scale for 32 elements. */
  Q4_0(2, 32, 18),
  /** 4-bit, f16 scale and minimum for 32 elements. */
  Q4_1(3, 32, 20),
  /** 5-bit, one f16 scale for 32 elements. */
  Q5_0(6, 32, 22),
  /** 5-bit, f16 scale and minimum for 32 elements. */
  Q5_1(7, 32, 24),
  /** 8-bit, one f16 scale for 32 elements. */
  Q8_0(8, 32, 34),
  /** 4-bit super-block of 256 elements with 6-bit scales and minima. */
  Q4_K(12, 256, 144),
  /** 5-bit super-block of 256 elements with 6-bit scales and minima. */
  Q5_K(13, 256, 176),
  /** 6-bit super-block of 256 elements with 8-bit scales. */
  Q6_K(14, 256, 210),
  /** Upper half of a 32-bit float. */
  BF16(30, 1, 2);

  private final int id;
  private final int blockLength;
  private final int blockBytes;

  GgmlType(int id, int blockLength, int blockBytes) {
    this.id = id;
    this.blockLength = blockLength;
    this.blockBytes = blockBytes;
  }

  /** The number that stands for this type in a GGUF file. */
  public int id() {
    return id;
  }

  /** Elements in one block. */
  public int blockLength() {
    return blockLength;
  }

  /** Bytes of one block. */
  public int blockBytes() {
    return blockBytes;
  }

  /**
   * Bytes of {@code length} consecutive elements.
   *
   * @throws IllegalArgumentException if {@code length} is not whole blocks
   */
  public long bytes(long length) {
    if (length < 0 || length % blockLength != 0) {
      throw new IllegalArgumentException(
          "length=" + length + " is not whole blocks of " + blockLength + " (" + this + ")");
    }
    return Math.multiplyExact(length / blockLength, (long) blockBytes);
  }

  /**
   * The type with a GGUF number.
   *
   * @throws IllegalArgumentException if KithLM does not know it
   */
  public static GgmlType ofId(int id) {
    for (GgmlType type : values()) {
      if (type.id == id) {
        return type;
      }
    }
    throw new IllegalArgumentException("unsupported tensor type " + id);
  }
}
