package org.kithlm.model.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.kithlm.model.weight.Tile;

/**
 * Multiplies activations by quantized weights: a few rows of a tile at a time are dequantized into
 * a scratch that stays in the L1 cache, and every token of the batch is multiplied by them. One
 * instance belongs to one thread.
 */
public final class MatMul {
  /** Rows that are dequantized at a time. */
  private static final int ROWS = DotProducts.BLOCK;

  /** Rows whose bytes are gathered at a time, so that narrow panels are copied in useful runs. */
  private static final int GATHERED_ROWS = 4 * ROWS;

  /** Columns in the scratch at a time, whole blocks of every type: 4 rows x 1024 x 4 B = 16 KiB. */
  private static final int SEGMENT_COLUMNS = 1024;

  private final float[] weights = new float[ROWS * SEGMENT_COLUMNS];
  private final byte[] blocks =
      new byte[GATHERED_ROWS * SEGMENT_COLUMNS * Float.BYTES + VectorDequantizer.PADDING_BYTES];
  private final float[] lanes = new float[DotProducts.SCRATCH_LENGTH];

  /**
   * Adds {@code x W^T} to {@code y}, where W is a tile: for each token t and row r of the tile,
   * {@code y[yOffset + t * yStride + r] += sum over columns c of W[r, c] * x[xOffset + t * xStride
   * + c]}. The same bits come out however the tokens are divided into calls.
   *
   * @param bytes those of the tile
   * @param tokenCount rows of x and y
   * @throws IndexOutOfBoundsException if the bytes are shorter than the tile, or an array than the
   *     range that is used of it
   */
  public void addProduct(
      Tile tile,
      MemorySegment bytes,
      float[] x,
      int xOffset,
      int xStride,
      int tokenCount,
      float[] y,
      int yOffset,
      int yStride) {
    if (tokenCount == 0) {
      return;
    }
    Objects.checkFromIndexSize(0, (long) tile.lengthBytes(), bytes.byteSize());
    Objects.checkFromIndexSize(
        xOffset, Math.addExact((tokenCount - 1) * xStride, tile.columnCount()), x.length);
    Objects.checkFromIndexSize(
        yOffset, Math.addExact((tokenCount - 1) * yStride, tile.rowCount()), y.length);
    VectorDequantizer.Kernel kernel = VectorDequantizer.of(tile.type());
    for (int row = 0; row < tile.rowCount(); row += GATHERED_ROWS) {
      int rows = Math.min(GATHERED_ROWS, tile.rowCount() - row);
      for (int column = 0; column < tile.columnCount(); column += SEGMENT_COLUMNS) {
        int columns = Math.min(SEGMENT_COLUMNS, tile.columnCount() - column);
        gather(tile, bytes, row, rows, column, columns);
        for (int r = 0; r < rows; r += ROWS) {
          int count = Math.min(ROWS, rows - r);
          for (int i = 0; i < count; i++) {
            dequantize(kernel, tile, rows, r + i, column, columns, i * SEGMENT_COLUMNS);
          }
          multiply(
              count,
              columns,
              x,
              xOffset + column,
              xStride,
              tokenCount,
              y,
              yOffset + row + r,
              yStride);
        }
      }
    }
  }

  /** Copies a run of columns of some rows, keeping them panel-major: run after run, row by row. */
  private void gather(
      Tile tile, MemorySegment bytes, int firstRow, int rows, int firstColumn, int columns) {
    int to = 0;
    for (int column = firstColumn; column < firstColumn + columns; ) {
      int run = runLength(tile, column, firstColumn + columns);
      int runBytes = (int) tile.type().bytes(run);
      int panel = column / tile.panelColumns();
      long from =
          (long) panel * tile.panelStrideBytes()
              + (long) firstRow * tile.panelRowBytes()
              + tile.type().bytes(column - panel * tile.panelColumns());
      if (runBytes == tile.panelRowBytes()) {
        copy(bytes, from, to, rows * runBytes);
      } else {
        for (int r = 0; r < rows; r++) {
          copy(bytes, from + (long) r * tile.panelRowBytes(), to + r * runBytes, runBytes);
        }
      }
      to += rows * runBytes;
      column += run;
    }
  }

  private void copy(MemorySegment bytes, long from, int to, int lengthBytes) {
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, from, blocks, to, lengthBytes);
  }

  /** Writes one of the gathered rows to the scratch. */
  private void dequantize(
      VectorDequantizer.Kernel kernel,
      Tile tile,
      int rows,
      int row,
      int firstColumn,
      int columns,
      int outOffset) {
    int from = 0;
    int to = outOffset;
    for (int column = firstColumn; column < firstColumn + columns; ) {
      int run = runLength(tile, column, firstColumn + columns);
      int runBytes = (int) tile.type().bytes(run);
      kernel.dequantize(blocks, from + row * runBytes, weights, to, to + run);
      from += rows * runBytes;
      to += run;
      column += run;
    }
  }

  /** Columns from {@code column} to the end of its panel, or of the segment. */
  private static int runLength(Tile tile, int column, int segmentEnd) {
    int panelEnd = column - column % tile.panelColumns() + tile.panelColumns();
    return Math.min(panelEnd, segmentEnd) - column;
  }

  private void multiply(
      int rows,
      int columns,
      float[] x,
      int xOffset,
      int xStride,
      int tokenCount,
      float[] y,
      int yOffset,
      int yStride) {
    int token = 0;
    if (rows == ROWS) {
      for (; token + DotProducts.BLOCK <= tokenCount; token += DotProducts.BLOCK) {
        DotProducts.dot4x4(
            weights,
            SEGMENT_COLUMNS,
            x,
            xOffset + token * xStride,
            xStride,
            columns,
            y,
            yOffset + token * yStride,
            yStride,
            lanes);
      }
    }
    for (; token < tokenCount; token++) {
      int xToken = xOffset + token * xStride;
      int yToken = yOffset + token * yStride;
      if (rows == ROWS) {
        DotProducts.dot4(weights, SEGMENT_COLUMNS, x, xToken, columns, y, yToken, lanes);
      } else {
        for (int r = 0; r < rows; r++) {
          DotProducts.dot(weights, r * SEGMENT_COLUMNS, x, xToken, columns, y, yToken + r, lanes);
        }
      }
    }
  }
}
