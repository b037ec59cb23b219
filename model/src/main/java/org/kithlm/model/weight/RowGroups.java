package org.kithlm.model.weight;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.kithlm.model.gguf.GgmlType;

/**
 * The order of weights in a tile: blocks of {@value #ROWS} consecutive rows are interleaved, so
 * that each 32-bit lane of a vector belongs to one row and no kernel adds lanes up. It serves
 * vectors of 128, 256 and 512 bits alike. Only bits move; a group has as many bytes as its rows
 * had.
 *
 * <p>A group is a run of interleaved blocks, one for each block of a row. An interleaved block
 * holds first the 16-bit fields (each for all rows), then the 32-bit words of packed scales, then
 * the payload words as {@link PayloadBits} fills them. An F32 is one such word, an F16 or BF16 one
 * such field. Rows that are missing in the last group are zeros.
 */
public final class RowGroups {
  /** Rows of a group. */
  public static final int ROWS = 16;

  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private static final Map<GgmlType, RowGroups> OF_TYPE = new EnumMap<>(GgmlType.class);

  static {
    for (GgmlType type : GgmlType.values()) {
      OF_TYPE.put(type, new RowGroups(type));
    }
  }

  private final GgmlType type;
  private final int[] fieldOffsets;
  private final int[] wordOffsets;
  private final List<BitMove> moves;
  private final int payloadOffset;

  private RowGroups(GgmlType type) {
    this.type = type;
    fieldOffsets =
        switch (type) {
          case F32 -> new int[] {};
          case F16, BF16, Q8_0, Q4_0, Q5_0 -> new int[] {0};
          case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
          case Q6_K -> new int[] {208};
        };
    wordOffsets =
        switch (type) {
          case F32 -> new int[] {0};
          case Q4_K, Q5_K -> new int[] {4, 8, 12};
          case Q6_K -> new int[] {192, 196, 200, 204};
          default -> new int[] {};
        };
    moves = BitMove.of(type);
    payloadOffset = ROWS * (Short.BYTES * fieldOffsets.length + Integer.BYTES * wordOffsets.length);
  }

  /** The layout of a type. */
  public static RowGroups of(GgmlType type) {
    RowGroups groups = OF_TYPE.get(type);
    if (groups == null) {
      throw new AssertionError(type);
    }
    return groups;
  }

  /** Rows with those that fill the last group. */
  public static int padded(int rows) {
    return Math.ceilDiv(rows, ROWS) * ROWS;
  }

  /** Bytes from the start of an interleaved block to its payload words. */
  public int payloadOffset() {
    return payloadOffset;
  }

  /**
   * Interleaves the rows of one group.
   *
   * @param rows 1 to {@value #ROWS}
   * @param rowStride bytes from row to row in {@code in}
   * @param rowBytes bytes of a row, whole blocks
   * @param out receives {@code ROWS * rowBytes} bytes from {@code outAt}
   */
  public void interleave(
      byte[] in, int inAt, int rowStride, int rows, int rowBytes, byte[] out, int outAt) {
    int blockBytes = type.blockBytes();
    Arrays.fill(out, outAt, outAt + ROWS * rowBytes, (byte) 0);
    for (int row = 0; row < rows; row++) {
      for (int block = 0; block < rowBytes; block += blockBytes) {
        int from = inAt + row * rowStride + block;
        int to = outAt + ROWS * block;
        for (int offset : fieldOffsets) {
          SHORT.set(out, to + Short.BYTES * row, (short) SHORT.get(in, from + offset));
          to += Short.BYTES * ROWS;
        }
        for (int offset : wordOffsets) {
          INT.set(out, to + Integer.BYTES * row, (int) INT.get(in, from + offset));
          to += Integer.BYTES * ROWS;
        }
        for (BitMove move : moves) {
          int at = to + Integer.BYTES * (ROWS * move.word() + row);
          int bits = (in[from + move.blockByte()] >>> move.blockShift()) & move.mask();
          INT.set(out, at, (int) INT.get(out, at) | (bits << move.wordShift()));
        }
      }
    }
  }

  /**
   * Takes one row out of a group: the inverse of {@link #interleave}.
   *
   * @param row 0 to {@code ROWS - 1}
   * @param rowBytes bytes of a row, whole blocks
   * @param out receives them from 0
   */
  public void extract(byte[] group, int row, int rowBytes, byte[] out) {
    int blockBytes = type.blockBytes();
    Arrays.fill(out, 0, rowBytes, (byte) 0);
    for (int block = 0; block < rowBytes; block += blockBytes) {
      int from = ROWS * block;
      for (int offset : fieldOffsets) {
        SHORT.set(out, block + offset, (short) SHORT.get(group, from + Short.BYTES * row));
        from += Short.BYTES * ROWS;
      }
      for (int offset : wordOffsets) {
        INT.set(out, block + offset, (int) INT.get(group, from + Integer.BYTES * row));
        from += Integer.BYTES * ROWS;
      }
      for (BitMove move : moves) {
        int word = (int) INT.get(group, from + Integer.BYTES * (ROWS * move.word() + row));
        int bits = (word >>> move.wordShift()) & move.mask();
        out[block + move.blockByte()] |= (byte) (bits << move.blockShift());
      }
    }
  }
}
