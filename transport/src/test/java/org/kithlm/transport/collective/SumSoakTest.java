package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A short run of {@link SumSoak}. */
@Timeout(600)
class SumSoakTest {
  private static final Logger LOG = LoggerFactory.getLogger(SumSoakTest.class);
  private static final long SEED = 6;
  private static final int ROUNDS = 5000;

  @TempDir Path folder;

  @Test
  void shouldSumRightOverUnsteadyLinks() throws Exception {
    SumSoak.Result result = new SumSoak(SEED, folder, LOG::info).run(ROUNDS);
    assertEquals(ROUNDS, result.rounds());
    assertEquals(0, result.wrong(), "seed=" + SEED);
    assertTrue(result.lost() > 0, "nothing was lost: " + result);
  }
}
