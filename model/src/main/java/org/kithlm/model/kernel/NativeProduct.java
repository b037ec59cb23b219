package org.kithlm.model.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.Tile;

/** {@link MatMul} by native kernels, with what one thread needs for it. */
final class NativeProduct {
  private static final int ROWS = RowGroups.ROWS;

  /** Weights times tokens of a call, some 0.2 ms of work: the garbage collector waits for calls. */
  private static final long CALL_MAX = 1L << 25;

  private static final int ALIGNMENT = 64;

  private final NativeKernels kernels;
  private final MemorySegment scratch;

  NativeProduct(NativeKernels kernels) {
    this.kernels = kernels;
    scratch = Arena.ofAuto().allocate(kernels.scratchBytes(), ALIGNMENT);
  }

  /**
   * Adds a product to y or, in f64, to sums with their tokens' rounders, of which the other is
   * {@link MemorySegment#NULL}. The bounds are checked.
   *
   * @param pieceColumns columns at most that are summed up in f32 for a sum in f64
   */
  void multiply(
      Tile tile,
      MemorySegment bytes,
      NativeInputs x,
      int tokenCount,
      int firstColumn,
      int pieceColumns,
      MemorySegment floats,
      MemorySegment sums,
      MemorySegment rounders,
      int offset,
      int stride,
      int firstGroup,
      int endGroup) {
    long groupWork = (long) ROWS * tile.columnCount() * tokenCount;
    int groupsMax = (int) Math.max(1, CALL_MAX / groupWork);
    int block = Activations.BLOCK;
    for (int group = firstGroup; group < endGroup; group += groupsMax) {
      int groups = Math.min(groupsMax, endGroup - group);
      kernels.multiply(
          tile.type(),
          bytes.address() + (long) group * tile.groupBytes(),
          tile.panelStrideBytes(),
          tile.panelCount(),
          tile.panelColumns() / block,
          Math.min(pieceColumns, tile.panelColumns()) / block,
          groups,
          Math.min(groups * ROWS, tile.rowCount() - group * ROWS),
          x.struct(),
          firstColumn / block,
          floats,
          sums,
          rounders,
          offset + group * ROWS,
          stride,
          scratch);
    }
  }
}
