package org.kithlm.model.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.Tile;

/**
 * Multiplies activations by the weights of a tile. It goes through the weights once, chunk by
 * chunk, and each chunk meets all tokens before the next. One instance belongs to one thread; any
 * number may work on the row groups of a tile.
 */
public final class MatMul {
  private static final int ROWS = RowGroups.ROWS;
  private static final int TOKENS = Activations.TOKENS;

  private final Chunk chunk = new Chunk();
  private final float[] lastRows = new float[TOKENS * ROWS];
  private int[] factors = {}; // of the call that runs

  /**
   * Adds {@code x W^T} to {@code y}, where W is some row groups of a tile: for each token t and row
   * r of the tile, {@code y[yOffset + t * yStride + r] += sum over columns c of W[r, c] * x[t,
   * firstColumn + c]}. The same bits come out however tokens are divided into calls, and groups
   * over threads.
   *
   * @param bytes those of the tile, native memory
   * @param x prepared for the type of the tile
   * @param firstColumn column of x that meets the first column of the tile
   * @param firstGroup first row group
   * @param endGroup group after the last
   * @throws IllegalArgumentException if the bytes are on the heap
   * @throws IndexOutOfBoundsException if the bytes are shorter than the tile, or x or y than the
   *     range that is used of it
   */
  public void addProduct(
      Tile tile,
      MemorySegment bytes,
      Activations x,
      int firstColumn,
      float[] y,
      int yOffset,
      int yStride,
      int firstGroup,
      int endGroup) {
    if (x.tokenCount() == 0 || firstGroup == endGroup) {
      return;
    }
    if (!bytes.isNative()) {
      throw new IllegalArgumentException("weights must be in native memory");
    }
    Objects.checkFromIndexSize(0, (long) tile.lengthBytes(), bytes.byteSize());
    Objects.checkFromIndexSize(firstColumn, tile.columnCount(), x.columns());
    Objects.checkFromToIndex(firstGroup, endGroup, tile.groupCount());
    Objects.checkFromIndexSize(
        yOffset, Math.addExact((x.tokenCount() - 1) * yStride, tile.rowCount()), y.length);
    factors = x.factors(Payload.of(tile.type()));
    int blockLength = tile.type().blockLength();
    chunk.blockBytes = ROWS * tile.type().blockBytes();
    chunk.payloadOffset = RowGroups.of(tile.type()).payloadOffset();
    chunk.subBlocks = blockLength / Activations.BLOCK;
    int columnsMax = blockLength == 1 ? Chunk.FLOAT_COLUMNS_MAX : Chunk.COLUMNS_MAX;
    int panelBlocks = tile.panelColumns() / blockLength;
    int blocksMax = Math.min(panelBlocks, columnsMax / blockLength);
    int groupsMax = Math.max(1, columnsMax / tile.panelColumns());
    int wholeGroups = tile.rowCount() / ROWS;
    for (int panel = 0; panel < tile.panelCount(); panel++) {
      long panelAddress = bytes.address() + (long) panel * tile.panelStrideBytes();
      int panelColumn = firstColumn + panel * tile.panelColumns();
      for (int group = firstGroup; group < endGroup; group += chunk.groups) {
        boolean whole = group < wholeGroups;
        chunk.groups = whole ? Math.min(groupsMax, Math.min(endGroup, wholeGroups) - group) : 1;
        for (int block = 0; block < panelBlocks; block += blocksMax) {
          chunk.blocks = Math.min(blocksMax, panelBlocks - block);
          chunk.address =
              panelAddress + (long) group * tile.groupBytes() + (long) block * chunk.blockBytes;
          BlockScales.fill(tile.type(), chunk);
          int column = panelColumn + block * blockLength;
          int yAt = yOffset + group * ROWS;
          if (whole) {
            multiply(Payload.of(tile.type()), x, column, y, yAt, yStride);
          } else {
            int rows = tile.rowCount() - group * ROWS;
            multiplyLastRows(Payload.of(tile.type()), x, column, y, yAt, yStride, rows);
          }
        }
      }
    }
  }

  private void multiply(
      Payload payload, Activations x, int column, float[] y, int yAt, int yStride) {
    int token = 0;
    for (; token + TOKENS <= x.tokenCount(); token += TOKENS) {
      four(payload, x, token, column, y, yAt + token * yStride, yStride);
    }
    for (; token < x.tokenCount(); token++) {
      one(payload, x, token, column, y, yAt + token * yStride);
    }
  }

  /** The kernels write whole groups; here only some of the rows exist. */
  private void multiplyLastRows(
      Payload payload, Activations x, int column, float[] y, int yAt, int yStride, int rows) {
    for (int token = 0; token < x.tokenCount(); ) {
      int tokens = token + TOKENS <= x.tokenCount() ? TOKENS : 1;
      for (int t = 0; t < tokens; t++) {
        System.arraycopy(y, yAt + (token + t) * yStride, lastRows, t * ROWS, rows);
      }
      if (tokens == TOKENS) {
        four(payload, x, token, column, lastRows, 0, ROWS);
      } else {
        one(payload, x, token, column, lastRows, 0);
      }
      for (int t = 0; t < tokens; t++) {
        System.arraycopy(lastRows, t * ROWS, y, yAt + (token + t) * yStride, rows);
      }
      token += tokens;
    }
  }

  private void one(Payload payload, Activations x, int token, int column, float[] y, int yAt) {
    if (payload == Payload.FLOATS) {
      FloatKernel.one(chunk, x.floats(), token * x.columns() + column, y, yAt);
      return;
    }
    for (int plane = 0; plane < Activations.PLANES; plane++) {
      int block = plane * x.planeBlocks() + token * x.blocks() + column / Activations.BLOCK;
      int at = block * payload.pairsPerBlock();
      switch (payload) {
        case NIBBLES -> NibbleKernel.one(chunk, factors, at, x.steps(), x.sums(), block, y, yAt);
        case FIVES -> FiveBitKernel.one(chunk, factors, at, x.steps(), x.sums(), block, y, yAt);
        case SIXES -> SixBitKernel.one(chunk, factors, at, x.steps(), block, y, yAt);
        case BYTES -> EightBitKernel.one(chunk, factors, at, x.steps(), block, y, yAt);
        case FLOATS -> throw new AssertionError(payload);
      }
    }
  }

  private void four(
      Payload payload, Activations x, int token, int column, float[] y, int yAt, int yStride) {
    if (payload == Payload.FLOATS) {
      FloatKernel.four(
          chunk, x.floats(), token * x.columns() + column, x.columns(), y, yAt, yStride);
      return;
    }
    float[] steps = x.steps();
    float[] sums = x.sums();
    for (int plane = 0; plane < Activations.PLANES; plane++) {
      int block =
          plane * x.planeBlocks() + token * x.blocks() + column / Activations.BLOCK * TOKENS;
      int at = block * payload.pairsPerBlock();
      switch (payload) {
        case NIBBLES -> NibbleKernel.four(chunk, factors, at, steps, sums, block, y, yAt, yStride);
        case FIVES -> FiveBitKernel.four(chunk, factors, at, steps, sums, block, y, yAt, yStride);
        case SIXES -> SixBitKernel.four(chunk, factors, at, steps, block, y, yAt, yStride);
        case BYTES -> EightBitKernel.four(chunk, factors, at, steps, block, y, yAt, yStride);
        case FLOATS -> throw new AssertionError(payload);
      }
    }
  }
}
