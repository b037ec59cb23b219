package org.kithlm.model.pack;

import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.RowGroups;

/**
 * A matrix in a pack: consecutive pieces, each with a CRC32C. A piece is {@code pieceRows} whole
 * rows, or {@code pieceColumns} columns of all rows (a panel); inside it lie {@link RowGroups}. The
 * last piece may be shorter.
 *
 * @param name as in the GGUF file
 * @param type element type
 * @param rows rows of the matrix
 * @param columns columns of the matrix
 * @param pieceRows rows of a piece, {@code rows} where the matrix is cut by column
 * @param pieceColumns columns of a piece, {@code columns} where the matrix is cut by row
 * @param offsetBytes where it starts, counted from the start of the pack's body
 * @param pieceChecks CRC32C of the pieces, 8 hexadecimal digits each, so that the length of the
 *     index does not depend on them
 */
record PackTensor(
    String name,
    GgmlType type,
    int rows,
    int columns,
    int pieceRows,
    int pieceColumns,
    long offsetBytes,
    String pieceChecks) {
  private static final int CHECK_DIGITS = 8;

  PackTensor {
    if (rows < 1 || columns < 1 || pieceRows < 1 || pieceColumns < 1 || offsetBytes < 0) {
      throw new IllegalArgumentException("tensor " + name + " has an impossible shape or place");
    }
    if (pieceRows != rows && pieceColumns != columns) {
      throw new IllegalArgumentException("tensor " + name + " is cut both ways");
    }
    int pieceCount = Math.ceilDiv(rows, pieceRows) * Math.ceilDiv(columns, pieceColumns);
    if (pieceChecks.length() != CHECK_DIGITS * pieceCount) {
      throw new IllegalArgumentException(
          "tensor " + name + " has " + pieceCount + " pieces but other checks");
    }
  }

  /** A matrix whose pieces are not known yet. */
  static PackTensor unchecked(
      String name,
      GgmlType type,
      int rows,
      int columns,
      int pieceRows,
      int pieceColumns,
      long offsetBytes) {
    int pieceCount = Math.ceilDiv(rows, pieceRows) * Math.ceilDiv(columns, pieceColumns);
    String pieceChecks = "0".repeat(CHECK_DIGITS * pieceCount);
    PackTensor tensor =
        new PackTensor(
            name, type, rows, columns, pieceRows, pieceColumns, offsetBytes, pieceChecks);
    if (tensor.pieceBytes(0) > Integer.MAX_VALUE) {
      throw new PackException(
          "tensor " + name + " has pieces of " + tensor.pieceBytes(0) + " bytes, at most 2 GiB");
    }
    return tensor;
  }

  /** The same with checks. */
  PackTensor withChecks(int[] crc32c) {
    StringBuilder digits = new StringBuilder();
    for (int crc : crc32c) {
      digits.append("%08x".formatted(crc));
    }
    return new PackTensor(
        name, type, rows, columns, pieceRows, pieceColumns, offsetBytes, digits.toString());
  }

  /** Whether pieces are panels. */
  boolean cutByColumn() {
    return pieceColumns != columns;
  }

  int pieceCount() {
    return pieceChecks.length() / CHECK_DIGITS;
  }

  int crc32c(int piece) {
    int start = CHECK_DIGITS * piece;
    return Integer.parseUnsignedInt(pieceChecks, start, start + CHECK_DIGITS, 16);
  }

  /** Rows of a piece. */
  int rowsOf(int piece) {
    return cutByColumn() ? rows : Math.min(pieceRows, rows - piece * pieceRows);
  }

  /** Columns of a piece. */
  int columnsOf(int piece) {
    return cutByColumn() ? Math.min(pieceColumns, columns - piece * pieceColumns) : columns;
  }

  long pieceBytes(int piece) {
    return RowGroups.padded(rowsOf(piece)) * type.bytes(columnsOf(piece));
  }

  /** Where a piece starts, counted from the start of the body; all before it are of full size. */
  long pieceOffsetBytes(int piece) {
    return offsetBytes + (long) piece * RowGroups.padded(pieceRows) * type.bytes(pieceColumns);
  }

  long lengthBytes() {
    int last = pieceCount() - 1;
    return pieceOffsetBytes(last) + pieceBytes(last) - offsetBytes;
  }
}
