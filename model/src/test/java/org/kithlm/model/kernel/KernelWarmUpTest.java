package org.kithlm.model.kernel;

import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.kithlm.model.gguf.GgmlType;

class KernelWarmUpTest {
  @Test
  @Timeout(60)
  void shouldTakeEveryTypeAndEnd() {
    for (GgmlType type : GgmlType.values()) {
      KernelWarmUp.run(EnumSet.of(type));
    }
  }
}
