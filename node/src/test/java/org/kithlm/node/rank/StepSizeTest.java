package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class StepSizeTest {
  private static final long MIB = 1 << 20;
  private static final long TOKEN_BYTES = 100_000;

  @Test
  void shouldTakeWhatThePlanAllowsWhereWeightsAreStreamedAndTheHeapIsLarge() {
    assertEquals(512, StepSize.tokens(400 * MIB, true, false, TOKEN_BYTES, 512));
    assertEquals(128, StepSize.tokens(400 * MIB, true, true, TOKEN_BYTES, 512));
    assertEquals(8, StepSize.tokens(400 * MIB, true, true, TOKEN_BYTES, 8));
  }

  @Test
  void shouldTakeFewerTokensInASmallHeap() {
    int leaf = StepSize.tokens(48 * MIB, false, false, TOKEN_BYTES, 512);
    assertEquals((48 * MIB / 3 * 2 - 16 * MIB) / TOKEN_BYTES, leaf);
    assertTrue(StepSize.tokens(72 * MIB, true, false, TOKEN_BYTES, 512) < leaf, "root");
  }

  @Test
  void shouldNameAHeapThatIsLargeEnough() {
    long tokenBytes = 40 * MIB;
    DoesNotFitException refusal =
        assertThrows(
            DoesNotFitException.class,
            () -> StepSize.tokens(64 * MIB, false, false, tokenBytes, 512));
    String message = String.valueOf(refusal.getMessage());
    Matcher heap = Pattern.compile("KITH_HEAP to at least (\\d+)m").matcher(message);
    assertTrue(heap.find() && message.contains("64 MiB"), message);
    long named = Long.parseLong(heap.group(1)) * MIB;
    assertEquals(1, StepSize.tokens(named, false, false, tokenBytes, 512));
    assertThrows(
        DoesNotFitException.class,
        () -> StepSize.tokens(named - MIB, false, false, tokenBytes, 512));
  }
}
