package org.kithlm.model.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

/** Products of a made-up matrix, to be timed. Owned by one thread, which the workers help. */
public final class KernelProbe {
  private static final int COLUMNS = 2048;

  /** Small halves and floats, so that no product is exceptional. */
  private static final byte FILLING = 0x22;

  private final Workers workers;
  private final MemorySegment weights;
  private final MatMul[] matMuls;

  /**
   * For some memory.
   *
   * @param workers closed by the caller
   * @param weights filled here; kernels run over as much of it as makes whole rows
   */
  public KernelProbe(Workers workers, MemorySegment weights) {
    this.workers = workers;
    this.weights = weights.fill(FILLING);
    matMuls = new MatMul[workers.count()];
    Arrays.setAll(matMuls, i -> new MatMul());
  }

  /**
   * A product of all rows with some tokens.
   *
   * @param lengthBytes of its weights
   * @param weightCount of its weights
   * @param run computes it
   */
  public record Product(int lengthBytes, long weightCount, Runnable run) {}

  /** A product with weights of a type, whose kernels should be compiled: {@link KernelWarmUp}. */
  public Product product(GgmlType type, int tokens) {
    return product(type, COLUMNS, tokens);
  }

  /** The same for rows of some length, a multiple of the type's blocks. */
  Product product(GgmlType type, int columns, int tokens) {
    long rowBytes = type.bytes(columns);
    int rows = (int) (weights.byteSize() / rowBytes / RowGroups.ROWS) * RowGroups.ROWS;
    int lengthBytes = Math.toIntExact(rows * rowBytes);
    Tile tile =
        new Tile(
            0, TensorRole.FFN_UP, 0, type, 0, rows, 0, columns, columns, 0, lengthBytes, List.of());
    float[] x = new float[tokens * columns];
    Arrays.fill(x, 1);
    Activations activations = new Activations(tokens, columns, EnumSet.of(type));
    activations.set(x, tokens, columns);
    activations.prepare(type);
    float[] y = new float[tokens * rows];
    return new Product(
        lengthBytes,
        (long) rows * columns,
        () ->
            workers.run(
                (index, count) ->
                    matMuls[index].addProduct(
                        tile,
                        weights,
                        activations,
                        0,
                        y,
                        0,
                        rows,
                        share(tile.groupCount(), index, count),
                        share(tile.groupCount(), index + 1, count))));
  }

  private static int share(int units, int index, int count) {
    return (int) ((long) units * index / count);
  }
}
