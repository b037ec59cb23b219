package org.kithlm.model.weight;

import java.util.List;
import org.kithlm.model.gguf.GgmlType;

/**
 * A contiguous run of one weight matrix in the pack file: what is read, checked, kept and released
 * as one. It covers rows {@code [firstRow, firstRow + rowCount)} and columns {@code [firstColumn,
 * firstColumn + columnCount)} of the whole matrix.
 *
 * <p>The bytes are panel-major: panel {@code p} holds {@code panelColumns} columns of all the
 * tile's rows as {@link RowGroups}, group after group, and panels follow one another. A matrix
 * split by row has one panel as wide as the matrix. The last group of a panel is padded to whole
 * groups.
 *
 * @param index position in the rank's cycle, from 0
 * @param role which matrix
 * @param layer its layer, from 0; the number of layers for the LM head
 * @param type element type
 * @param firstRow first row in the whole matrix
 * @param rowCount rows in this tile
 * @param firstColumn first column in the whole matrix
 * @param columnCount columns in this tile, a multiple of {@code panelColumns}
 * @param panelColumns columns of one panel, whole blocks of {@code type}
 * @param offsetBytes where the run starts in the pack file
 * @param lengthBytes its length
 * @param checks checksums of the consecutive pieces that the run consists of
 */
public record Tile(
    int index,
    TensorRole role,
    int layer,
    GgmlType type,
    int firstRow,
    int rowCount,
    int firstColumn,
    int columnCount,
    int panelColumns,
    long offsetBytes,
    int lengthBytes,
    List<PieceCheck> checks) {

  /**
   * The checksum of one piece: the part of a run that belongs to one shard unit.
   *
   * @param lengthBytes length of the piece
   * @param crc32c its CRC32C
   */
  public record PieceCheck(int lengthBytes, int crc32c) {}

  /** Checks that shape and length agree. */
  public Tile {
    checks = List.copyOf(checks);
    if (columnCount % panelColumns != 0
        || lengthBytes
            != RowGroups.padded(rowCount)
                * (long) (columnCount / panelColumns)
                * type.bytes(panelColumns)) {
      throw new IllegalArgumentException(
          "tile "
              + index
              + " "
              + role
              + " layer="
              + layer
              + " rows="
              + rowCount
              + " columns="
              + columnCount
              + " panelColumns="
              + panelColumns
              + " lengthBytes="
              + lengthBytes);
    }
  }

  /** Groups of rows, the last perhaps padded. */
  public int groupCount() {
    return RowGroups.padded(rowCount) / RowGroups.ROWS;
  }

  /** Bytes of one group of rows in one panel. */
  public int groupBytes() {
    return (int) type.bytes(panelColumns) * RowGroups.ROWS;
  }

  /** Bytes from the start of one panel to the start of the next. */
  public int panelStrideBytes() {
    return groupCount() * groupBytes();
  }

  /** Number of panels. */
  public int panelCount() {
    return columnCount / panelColumns;
  }
}
