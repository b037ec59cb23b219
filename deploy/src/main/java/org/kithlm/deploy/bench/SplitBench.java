package org.kithlm.deploy.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * What the ranks of a plan cost one by one, beside a rank that has it all: each decodes the same
 * positions with nobody to sum with, taking turns. A rank's cost would be its part of the weights,
 * were there nothing that every rank does. Owned by one thread.
 */
public final class SplitBench {
  private static final int WARM_UP_TURNS = 3;

  private final int turns;
  private final int positions;
  private final LongSupplier clockNs;

  /** Something that decodes. */
  public interface Decoder {
    /** Takes a token through the layers. */
    void step(int position);

    /** Bytes of weights that a step goes through. */
    long layerBytes();
  }

  /**
   * Result of a rank.
   *
   * @param rank its number
   * @param part its bytes of weights as a part of the whole
   * @param medianMs of a token's way through its layers
   * @param overhead that, as a multiple of its part of what the whole takes; NaN without weights
   */
  public record Result(int rank, double part, double medianMs, double overhead) {}

  /**
   * Measures in turns.
   *
   * @param turns of each rank, at least 1; some more go before and do not count
   * @param positions decoded in a turn, from the first on
   */
  public SplitBench(int turns, int positions) {
    this(turns, positions, System::nanoTime);
  }

  SplitBench(int turns, int positions, LongSupplier clockNs) {
    this.turns = turns;
    this.positions = positions;
    this.clockNs = clockNs;
  }

  /**
   * Measures the ranks of a plan.
   *
   * @param whole has all weights
   * @return the whole, as rank -1, then the ranks
   */
  public List<Result> measure(Decoder whole, List<? extends Decoder> ranks) {
    List<Decoder> all = new ArrayList<>();
    all.add(whole);
    all.addAll(ranks);
    List<List<Long>> tookNs = new ArrayList<>();
    all.forEach(decoder -> tookNs.add(new ArrayList<>()));
    for (int turn = -WARM_UP_TURNS; turn < turns; turn++) {
      for (int i = 0; i < all.size(); i++) {
        run(all.get(i), tookNs.get(i));
        if (turn < 0) {
          tookNs.get(i).clear();
        }
      }
    }
    List<Result> results = new ArrayList<>();
    double wholeMs = medianMs(tookNs.getFirst());
    for (int i = 0; i < all.size(); i++) {
      double part = all.get(i).layerBytes() / (double) whole.layerBytes();
      double ms = medianMs(tookNs.get(i));
      double overhead = part == 0 ? Double.NaN : ms / (part * wholeMs);
      results.add(new Result(i - 1, part, ms, overhead));
    }
    return results;
  }

  private void run(Decoder decoder, List<Long> tookNs) {
    for (int position = 0; position < positions; position++) {
      long startNs = clockNs.getAsLong();
      decoder.step(position);
      tookNs.add(clockNs.getAsLong() - startNs);
    }
  }

  private static double medianMs(List<Long> tookNs) {
    return tookNs.stream().sorted().skip(tookNs.size() / 2).findFirst().orElseThrow() / 1e6;
  }
}
