package org.kithlm.node.calibration;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.node.control.DeviceSpeed;

class DeviceCalibrationTest {
  @TempDir Path folder;

  private DeviceSpeed measure(int threads) throws Exception {
    return measure(threads, "Q8_0");
  }

  private DeviceSpeed measure(int threads, String weightType) throws Exception {
    Duration brief = Duration.ofMillis(50);
    return new DeviceCalibration(folder, threads, brief, brief)
        .measure(weightType)
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
  }

  @Test
  void shouldMeasureOnceForEachNumberOfThreads() throws Exception {
    DeviceSpeed first = measure(1);
    assertTrue(first.weightBytesPerSecond() > 1_000_000, first::toString);
    assertTrue(first.diskBytesPerSecond() > 1_000_000, first::toString);
    assertEquals(first, measure(1)); // measured twice they would differ in some digit
    assertNotEquals(first, measure(2));
    assertEquals(first, measure(1));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(1, files.count(), "only what is kept stays");
    }
  }

  @Test
  void shouldMeasureAnewWhereTheFileIsDamaged() throws Exception {
    Files.writeString(folder.resolve("speed.json"), "{");
    assertEquals(measure(1), measure(1));
  }

  @Test
  void shouldTellWhichTypeItDoesNotKnow() {
    ExecutionException failure = assertThrows(ExecutionException.class, () -> measure(1, "Q9_Z"));
    assertTrue(failure.toString().contains("Q9_Z"), failure::toString);
  }
}
