package org.kithlm.model.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** What is known of this machine's processor. */
public final class Processor {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private Processor() {}

  /** Its architecture as Java names it. */
  public static String architecture() {
    return System.getProperty("os.arch", "unknown").toLowerCase(Locale.ROOT);
  }

  static boolean isArm() {
    return architecture().equals("aarch64");
  }

  /** Its name; the architecture where the system does not tell. */
  public static String name() {
    return field("model name").orElse(architecture());
  }

  /** Its instruction sets as Linux names them, sorted; empty elsewhere. */
  public static Set<String> features() {
    return field("flags")
        .or(() -> field("Features"))
        .map(flags -> (Set<String>) new TreeSet<>(Set.of(flags.split(" "))))
        .orElse(Set.of());
  }

  private static Optional<String> field(String name) {
    try (Stream<String> lines = Files.lines(CPU_INFO)) {
      return lines
          .filter(line -> line.startsWith(name) && line.contains(":"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst();
    } catch (IOException e) {
      return Optional.empty(); // not Linux
    }
  }
}
