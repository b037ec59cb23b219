package org.kithlm.deploy.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class SplitBenchTest {
  private long nowNs;

  /** Takes 1 ms, and 1 ms for each byte. */
  private final class FakeDecoder implements SplitBench.Decoder {
    private final int bytes;
    private int steps;

    FakeDecoder(int bytes) {
      this.bytes = bytes;
    }

    @Override
    public void step(int position) {
      assertEquals(steps++ % 5, position);
      nowNs += 1_000_000L * (1 + bytes);
    }

    @Override
    public long layerBytes() {
      return bytes;
    }
  }

  @Test
  void shouldTellWhatEveryRankDoesBesideItsPart() {
    List<FakeDecoder> ranks = List.of(new FakeDecoder(3), new FakeDecoder(1), new FakeDecoder(0));
    List<SplitBench.Result> results =
        new SplitBench(4, 5, () -> nowNs).measure(new FakeDecoder(4), ranks);
    assertEquals(List.of(-1, 0, 1, 2), results.stream().map(SplitBench.Result::rank).toList());
    assertEquals(List.of(1.0, 0.75, 0.25, 0.0), results.stream().map(r -> r.part()).toList());
    assertEquals(5, results.get(0).medianMs(), 0.01);
    assertEquals(1, results.get(0).overhead(), 0.01);
    assertEquals(4 / (0.75 * 5), results.get(1).overhead(), 0.01);
    assertEquals(2 / (0.25 * 5), results.get(2).overhead(), 0.01);
    assertEquals(Double.NaN, results.get(3).overhead());
    assertEquals(7 * 5, ranks.get(0).steps);
  }
}
