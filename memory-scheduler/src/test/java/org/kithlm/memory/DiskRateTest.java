package org.kithlm.memory;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskRateTest {
  @TempDir Path folder;

  @Test
  void shouldReadForAsLongAsItIsTold() throws Exception {
    Path file = Files.write(folder.resolve("data"), new byte[(4 << 20) + 5]);
    long startNs = System.nanoTime();
    double rate = DiskRate.bytesPerSecond(file, Duration.ofMillis(50));
    assertTrue(System.nanoTime() - startNs >= Duration.ofMillis(50).toNanos());
    assertTrue(rate > 0 && rate < 1e12, () -> "rate=" + rate);
  }

  @Test
  void shouldRefuseAFileThatIsTooShort() throws Exception {
    Path file = Files.write(folder.resolve("data"), new byte[(4 << 20) - 1]);
    IOException refusal =
        assertThrows(IOException.class, () -> DiskRate.bytesPerSecond(file, Duration.ofMillis(1)));
    assertTrue(String.valueOf(refusal.getMessage()).contains("is too short"), refusal::toString);
  }
}
