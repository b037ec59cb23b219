package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.kithlm.model.transformer.Allreduce.Block;

@Timeout(60)
class RankSumsTest {
  private final RankSums sums = new RankSums(3);
  private final double[] partial = {1, 2};
  private final float[] sum = new float[2];

  @AfterEach
  void close() {
    sums.close();
  }

  @Test
  void shouldFormASumThatHasBegunWhileTheRankComputes() {
    CountDownLatch computed = new CountDownLatch(1);
    Thread[] former = new Thread[1];
    sums.connect(
        (layer, block, terms, result, length) -> {
          former[0] = Thread.currentThread();
          await(computed);
          result[0] = (float) (terms[0] + layer);
        });
    sums.begin(5, Block.FFN_REST, partial, sum, 2);
    computed.countDown(); // would never come if begin waited for the sum
    sums.finish();
    assertEquals(6, sum[0]);
    assertNotSame(Thread.currentThread(), former[0]);
    assertEquals("kith-sums-3", former[0].getName());
    assertTrue(sums.durations().percentileMs(50) > 0);
    sums.finish(); // nothing is on its way
  }

  @Test
  void shouldFormAShortSumOnTheRanksThread() {
    Thread[] former = new Thread[1];
    sums.connect((layer, block, terms, result, length) -> former[0] = Thread.currentThread());
    sums.sum(0, Block.FFN, partial, sum, 2);
    assertSame(Thread.currentThread(), former[0]);
    assertTrue(sums.waitedNs() > 0);
  }

  @Test
  void shouldPassOnWhatEndsASum() {
    IllegalStateException lost = new IllegalStateException("rank 1 is lost");
    sums.connect(
        (layer, block, terms, result, length) -> {
          throw lost;
        });
    sums.begin(0, Block.ATTENTION, partial, sum, 2);
    assertSame(lost, assertThrows(IllegalStateException.class, sums::finish));
    sums.finish();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(50, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
