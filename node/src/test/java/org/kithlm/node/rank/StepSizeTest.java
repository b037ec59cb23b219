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

  private static JavaHeap heap(long mebibytes) {
    return new JavaHeap(mebibytes * MIB, mebibytes * MIB / 4 * 3);
  }

  @Test
  void shouldTakeWhatThePlanAllowsWhereWeightsAreStreamedAndTheHeapIsLarge() {
    assertEquals(512, StepSize.tokens(heap(400), true, false, 0, TOKEN_BYTES, 512));
    assertEquals(128, StepSize.tokens(heap(400), true, true, 0, TOKEN_BYTES, 512));
    assertEquals(8, StepSize.tokens(heap(400), true, true, 0, TOKEN_BYTES, 8));
  }

  @Test
  void shouldTakeFewerTokensInASmallHeap() {
    int leaf = StepSize.tokens(heap(48), false, false, 0, TOKEN_BYTES, 512);
    assertEquals((36 * MIB - 24 * MIB) / TOKEN_BYTES, leaf);
    assertTrue(StepSize.tokens(heap(48), false, false, 5 * MIB, TOKEN_BYTES, 512) < leaf, "norms");
    assertTrue(StepSize.tokens(heap(60), true, false, 0, TOKEN_BYTES, 512) < leaf, "root");
  }

  @Test
  void shouldNameAHeapThatIsLargeEnough() {
    long tokenBytes = 40 * MIB;
    long vectorBytes = 3 * MIB;
    DoesNotFitException refusal =
        assertThrows(
            DoesNotFitException.class,
            () -> StepSize.tokens(heap(66), false, false, vectorBytes, tokenBytes, 512));
    String message = String.valueOf(refusal.getMessage());
    Matcher matcher = Pattern.compile("KITH_HEAP to at least (\\d+)m").matcher(message);
    assertTrue(matcher.find() && message.contains("66 MiB"), message);
    long named = Long.parseLong(matcher.group(1));
    assertEquals(1, StepSize.tokens(heap(named), false, false, vectorBytes, tokenBytes, 512));
    assertThrows(
        DoesNotFitException.class,
        () -> StepSize.tokens(heap(named - 1), false, false, vectorBytes, tokenBytes, 512));
  }
}
