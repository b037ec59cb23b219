package org.kithlm.node.rank;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.control.RankAssignment;

/**
 * A rank of a plan whose other ranks are not there: its sums are its own terms. What it computes
 * means nothing; how long that takes is what its share costs. Owned by one thread.
 */
public final class LoneRank implements AutoCloseable {
  private final RankCompute compute;
  private final int hiddenSize;
  private final float[] hidden;

  private LoneRank(RankCompute compute) {
    this.compute = compute;
    hiddenSize = compute.hiddenSize();
    hidden = new float[compute.maxFloats()];
  }

  /**
   * Reads the rank's slice into memory.
   *
   * @param threads for the arithmetic
   * @throws IOException if the pack cannot be read
   * @throws RuntimeException if it is damaged; the message names the file and the place
   */
  public static LoneRank load(Path pack, RankAssignment assignment, int threads)
      throws IOException, InterruptedException {
    return new LoneRank(
        RankCompute.of(RankWeights.load(pack, assignment), assignment, null, threads, threads));
  }

  /** Takes made-up tokens through the layers. */
  public void step(int tokenCount, int startPosition) {
    Arrays.fill(hidden, 0, tokenCount * hiddenSize, 1);
    compute.forward(hidden, new StepRuns().addStem(startPosition, tokenCount));
    compute.tiles().rewind(); // past the head, which has no part in this
  }

  /** Bytes of weights of its layers. */
  public long layerBytes() {
    int layers = compute.weights().pack().config().layerCount();
    return compute.weights().layout().tiles().stream()
        .filter(tile -> tile.layer() < layers)
        .mapToLong(Tile::lengthBytes)
        .sum();
  }

  @Override
  public void close() {
    compute.close();
  }
}
