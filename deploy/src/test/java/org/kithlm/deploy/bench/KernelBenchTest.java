package org.kithlm.deploy.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.WorkerPool;
import org.kithlm.model.kernel.Workers;

class KernelBenchTest {
  @Test
  void shouldCountBytesAndOperationsOfTheSameWeights() {
    try (Workers workers = WorkerPool.of(2);
        KernelBench bench = new KernelBench(workers)) {
      KernelBench.Result result = bench.measure(GgmlType.Q8_0);
      double bytesPerWeight = 34 / 32.0;
      assertEquals(2 / bytesPerWeight, result.decodeGflops() / result.decodeGbPerSecond(), 1e-6);
      assertTrue(result.prefillGflops() > 0);
      assertTrue(bench.streamGbPerSecond() > 0);
    }
  }
}
