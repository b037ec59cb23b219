package org.kithlm.deploy.cluster;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.kithlm.deploy.Kith;

/** The command line of another {@code kith} with the JVM, flags and classes of this process. */
final class OwnCommand {
  private OwnCommand() {}

  /** A new list with all but the arguments of {@code kith}. */
  static List<String> line() {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-XX:AOTCacheOutput=")) // only one may write it
        .forEach(line::add);
    line.addAll(List.of("-cp", System.getProperty("java.class.path"), Kith.class.getName()));
    return line;
  }
}
