package org.kithlm.model.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class ThreadBudgetTest {
  @Test
  void shouldGrantWhatTheProcessorsAllow() {
    assertEquals(new ThreadBudget(2, Optional.empty()), ThreadBudget.of(2, 2));
    assertEquals(new ThreadBudget(1, Optional.empty()), ThreadBudget.of(1));
  }

  @Test
  void shouldReduceAndWarnBeyondThem() {
    ThreadBudget budget = ThreadBudget.of(8, 2);
    assertEquals(2, budget.threads());
    String warning = budget.warning().orElseThrow();
    assertTrue(warning.startsWith("--threads 8 is more than") && warning.endsWith("using 2"));
    int processors = Runtime.getRuntime().availableProcessors();
    assertEquals(processors, ThreadBudget.of(Integer.MAX_VALUE).threads());
  }

  @Test
  void shouldRefuseNoThreads() {
    assertThrows(IllegalArgumentException.class, () -> ThreadBudget.of(0));
  }
}
