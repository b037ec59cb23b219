package org.kithlm.model.kernel;

import java.time.Duration;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.kithlm.model.gguf.GgmlType;

class KernelWarmUpTest {
  private static final Duration PATIENCE =
      Duration.ofSeconds(1); // none gets warm where vectors are emulated

  @Test
  @Timeout(60)
  void shouldTakeEveryTypeAndEnd() {
    for (GgmlType type : GgmlType.values()) {
      KernelWarmUp.run(EnumSet.of(type), PATIENCE);
    }
  }
}
