package org.kithlm.node.rank;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The resident set of this process, from Linux's /proc/self/status (proc_pid_status(5)). */
final class ResidentSet {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String NOW = "VmRSS:";
  private static final String PEAK = "VmHWM:";

  private ResidentSet() {}

  /** Its size in bytes, or 0 where the system does not tell. */
  static long bytes() {
    return read(NOW);
  }

  /** Its largest size so far in bytes, or 0 where the system does not tell. */
  static long peakBytes() {
    return read(PEAK);
  }

  private static long read(String name) {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(name)) { // "VmHWM:     123456 kB"
          return Long.parseLong(line.substring(name.length()).replace("kB", "").strip()) * 1024;
        }
      }
    } catch (IOException e) {
      return 0;
    }
    return 0;
  }
}
