package org.kithlm.node.calibration;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.security.DeviceId;
import org.kithlm.node.security.OwnerOnlyFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what was measured of a device for a week. Owned by one thread; of two processes that write
 * the last one wins.
 */
final class SpeedFile {
  private static final Logger LOG = LoggerFactory.getLogger(SpeedFile.class);
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Duration KEPT = Duration.ofDays(7);

  /** Raised when kernels get faster or are measured otherwise. */
  private static final int MEASUREMENT = 2;

  private final Path file;
  private final int threads;

  /** One measurement. */
  private record Entry(DeviceSpeed speed, long measuredEpochSeconds) {
    boolean isFresh() {
      return Instant.ofEpochSecond(measuredEpochSeconds).plus(KEPT).isAfter(Instant.now());
    }
  }

  SpeedFile(Path file, int threads) {
    this.file = file;
    this.threads = threads;
  }

  Optional<DeviceSpeed> read(GgmlType type) throws IOException {
    return Optional.ofNullable(entries().get(key(type))).map(Entry::speed);
  }

  void write(GgmlType type, DeviceSpeed speed) throws IOException {
    Map<String, Entry> entries = entries();
    entries.put(key(type), new Entry(speed, Instant.now().getEpochSecond()));
    OwnerOnlyFile.write(file, MAPPER.writeValueAsBytes(entries));
  }

  private Map<String, Entry> entries() throws IOException {
    if (!Files.exists(file)) {
      return new TreeMap<>();
    }
    try {
      Map<String, Entry> entries =
          MAPPER.readValue(
              Files.readAllBytes(file), new TypeReference<TreeMap<String, Entry>>() {});
      entries.values().removeIf(entry -> !entry.isFresh());
      return entries;
    } catch (JsonProcessingException e) {
      LOG.warn("{} is damaged and made anew", file);
      return new TreeMap<>();
    }
  }

  /** What speed depends on: a copied folder or another number of threads is measured again. */
  private String key(GgmlType type) throws IOException {
    return "%d %s, %d of %d processors, Java %s, %s"
        .formatted(
            MEASUREMENT,
            type,
            threads,
            Runtime.getRuntime().availableProcessors(),
            System.getProperty("java.version"),
            DeviceId.current());
  }
}
