package org.kithlm.model.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.gguf.GgmlType;
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

  /** Row groups of a chunk at most; bounds {@link #rows}. */
  private static final int GROUPS_MAX = 32;

  private final @Nullable NativeProduct nativeProduct;
  private final ArraySegments segments = new ArraySegments();
  private final Chunk chunk = new Chunk();

  /** Outputs of a chunk [tokens x rows] that kernels cannot write to where they belong. */
  private final float[] rows = new float[TOKENS * GROUPS_MAX * ROWS];

  // Of the call that runs.
  private int[] factors = {};
  private float[] steps = {};
  private float[] inputSums = {};
  private float[] floats = {};
  private TermSums sums = TermSums.NONE;
  private boolean intoSums;
  private int yStride;

  /** Multiplies by the kernels of this process's {@link KernelChoice}. */
  public MatMul() {
    this(KernelChoice.current());
  }

  MatMul(@Nullable NativeKernels kernels) {
    nativeProduct = kernels == null ? null : new NativeProduct(kernels);
  }

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
    floats = y;
    intoSums = false;
    multiply(tile, bytes, x, firstColumn, y.length, yOffset, yStride, firstGroup, endGroup);
  }

  /**
   * {@link #addProduct} for a matrix whose columns are shared by ranks: what a panel of the tile,
   * one shard unit's columns, contributes is summed in f32 from zero (in pieces where it is wider
   * than a block of a K-quant, {@value Chunk#FLOAT_COLUMNS_MAX} floats or {@value
   * Chunk#COLUMNS_MAX} columns of other types), rounded to the token's grid and then added to y in
   * f64. There a sum of multiples of a grid is exact, so that it does not depend on who adds which
   * of them.
   */
  public void addPartialSums(
      Tile tile,
      MemorySegment bytes,
      Activations x,
      int firstColumn,
      TermSums y,
      int yOffset,
      int yStride,
      int firstGroup,
      int endGroup) {
    sums = y;
    intoSums = true;
    multiply(
        tile, bytes, x, firstColumn, y.values().length, yOffset, yStride, firstGroup, endGroup);
  }

  private void multiply(
      Tile tile,
      MemorySegment bytes,
      Activations x,
      int firstColumn,
      int yLength,
      int yOffset,
      int stride,
      int firstGroup,
      int endGroup) {
    if (x.tokenCount() == 0 || firstGroup == endGroup) {
      return;
    }
    yStride = stride;
    if (!bytes.isNative()) {
      throw new IllegalArgumentException("weights must be in native memory");
    }
    Objects.checkFromIndexSize(0, (long) tile.lengthBytes(), bytes.byteSize());
    Objects.checkFromIndexSize(firstColumn, tile.columnCount(), x.columns());
    Objects.checkFromToIndex(firstGroup, endGroup, tile.groupCount());
    Objects.checkFromIndexSize(
        yOffset, Math.addExact((x.tokenCount() - 1) * yStride, tile.rowCount()), yLength);
    if (intoSums) {
      Objects.checkFromIndexSize(0, x.tokenCount(), sums.rounders().length);
    }
    NativeInputs nativeInputs = x.nativeInputs(tile.type());
    if (nativeProduct != null && nativeInputs != null) {
      nativeProduct.multiply(
          tile,
          bytes,
          nativeInputs,
          x.tokenCount(),
          firstColumn,
          nativePieceColumns(tile),
          intoSums ? MemorySegment.NULL : segments.of(floats),
          intoSums ? segments.of(sums.values()) : MemorySegment.NULL,
          intoSums ? segments.of(sums.rounders()) : MemorySegment.NULL,
          yOffset,
          yStride,
          firstGroup,
          endGroup);
      return;
    }
    if (Payload.of(tile.type()).pairsPerBlock() > 0) {
      factors = x.factors(tile.type());
      steps = x.steps(tile.type());
      inputSums = x.sums(tile.type());
    }
    int blockLength = tile.type().blockLength();
    chunk.blockBytes = ROWS * tile.type().blockBytes();
    chunk.payloadOffset = RowGroups.of(tile.type()).payloadOffset();
    chunk.groupBytes = tile.groupBytes();
    chunk.subBlocks = blockLength / Activations.BLOCK;
    BlockScales.layout(tile.type(), chunk);
    boolean single = x.tokenCount() < TOKENS;
    boolean fills = !(single && BlockScales.areHalves(tile.type())) && tile.type() != GgmlType.Q8_0;
    int columnsMax = blockLength == 1 ? Chunk.FLOAT_COLUMNS_MAX : Chunk.COLUMNS_MAX;
    if (single && fills && blockLength > 1) {
      columnsMax = blockLength; // then memory is read in order, which is what it is fast at
    }
    int panelBlocks = tile.panelColumns() / blockLength;
    // Where sums are rounded must not depend on the number of tokens.
    int pieceMax = intoSums && blockLength > Activations.BLOCK ? blockLength : columnsMax;
    int blocksMax = Math.min(panelBlocks, pieceMax / blockLength);
    boolean wholePanel = blocksMax == panelBlocks; // only then groups follow one another
    boolean pairs = !single && Lanes.PAIRS && Payload.of(tile.type()).pairsPerBlock() > 0;
    int groupsMin = pairs ? 2 : 1;
    int groupsMax =
        wholePanel
            ? Math.clamp(columnsMax / tile.panelColumns(), groupsMin, GROUPS_MAX)
            : groupsMin;
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
          if (fills) {
            BlockScales.fill(tile.type(), chunk);
          }
          int rowCount = Math.min(chunk.groups * ROWS, tile.rowCount() - group * ROWS);
          multiplyChunk(
              Payload.of(tile.type()),
              x,
              panelColumn + block * blockLength,
              yOffset + group * ROWS,
              rowCount);
        }
      }
    }
  }

  /** Columns of a piece as above. */
  private int nativePieceColumns(Tile tile) {
    if (!intoSums) {
      return tile.panelColumns();
    }
    int blockLength = tile.type().blockLength();
    return blockLength > Activations.BLOCK ? blockLength : Chunk.COLUMNS_MAX;
  }

  /**
   * A chunk times all tokens.
   *
   * @param rowCount its rows; kernels write whole groups, of which the last may exist in part
   */
  private void multiplyChunk(Payload payload, Activations x, int column, int yAt, int rowCount) {
    int stride = chunk.groups * ROWS;
    boolean inPlace = !intoSums && rowCount == stride;
    for (int token = 0; token < x.tokenCount(); ) {
      int tokens = token + TOKENS <= x.tokenCount() ? TOKENS : 1;
      int at = yAt + token * yStride;
      if (inPlace) {
        multiplyTokens(payload, x, token, tokens, column, floats, at, yStride);
      } else {
        load(at, tokens, rowCount, stride);
        multiplyTokens(payload, x, token, tokens, column, rows, 0, stride);
        store(at, token, tokens, rowCount, stride);
      }
      token += tokens;
    }
  }

  private void load(int at, int tokens, int rowCount, int stride) {
    if (intoSums) {
      Arrays.fill(rows, 0, tokens * stride, 0);
      return;
    }
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(floats, at + t * yStride, rows, t * stride, rowCount);
    }
  }

  private void store(int at, int token, int tokens, int rowCount, int stride) {
    for (int t = 0; t < tokens; t++) {
      if (intoSums) {
        double rounder = sums.rounders()[token + t];
        add(rows, t * stride, rounder, sums.values(), at + t * yStride, rowCount);
      } else {
        System.arraycopy(rows, t * stride, floats, at + t * yStride, rowCount);
      }
    }
  }

  private static void add(
      float[] from, int fromAt, double rounder, double[] to, int toAt, int count) {
    for (int i = 0; i < count; i++) {
      to[toAt + i] += from[fromAt + i] + rounder - rounder;
    }
  }

  private void multiplyTokens(
      Payload payload,
      Activations x,
      int token,
      int tokens,
      int column,
      float[] y,
      int yAt,
      int stride) {
    if (tokens == TOKENS) {
      four(payload, x, token, column, y, yAt, stride);
    } else {
      one(payload, x, token, column, y, yAt);
    }
  }

  private void one(Payload payload, Activations x, int token, int column, float[] y, int yAt) {
    int block = token * x.blocks() + column / Activations.BLOCK;
    int at = block * payload.pairsPerBlock();
    int input = token * x.columns() + column;
    switch (payload) {
      case NIBBLES -> fields(4, at, block, y, yAt);
      case FIVES -> fields(5, at, block, y, yAt);
      case SIXES -> SixBitKernel.one(chunk, factors, at, steps, block, y, yAt);
      case BYTES -> EightBitKernel.one(chunk, x.floats(), input, y, yAt);
      case FLOATS -> FloatKernel.one(chunk, x.floats(), input, y, yAt);
    }
  }

  /** One token, by weights of so many bits. */
  private void fields(int bits, int at, int block, float[] y, int yAt) {
    if (chunk.subBlocks == 1) {
      FieldKernel.oneWithHalves(bits, chunk, factors, at, steps, inputSums, block, y, yAt);
    } else {
      FieldKernel.one(bits, chunk, factors, at, steps, inputSums, block, y, yAt);
    }
  }

  private void four(
      Payload payload, Activations x, int token, int column, float[] y, int yAt, int stride) {
    int block = token * x.blocks() + column / Activations.BLOCK * TOKENS;
    int at = block * payload.pairsPerBlock();
    int input = token * x.columns() + column;
    int xStride = x.columns();
    switch (payload) {
      case NIBBLES ->
          FieldKernel.four(4, chunk, factors, at, steps, inputSums, block, y, yAt, stride);
      case FIVES ->
          FieldKernel.four(5, chunk, factors, at, steps, inputSums, block, y, yAt, stride);
      case SIXES -> SixBitKernel.four(chunk, factors, at, steps, block, y, yAt, stride);
      case BYTES -> EightBitKernel.four(chunk, x.floats(), input, xStride, y, yAt, stride);
      case FLOATS -> FloatKernel.four(chunk, x.floats(), input, xStride, y, yAt, stride);
    }
  }
}
