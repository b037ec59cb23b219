package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A folder of log files for each run of a local cluster; the oldest runs are forgotten. */
public final class RunLogs {
  private static final int RUNS_KEPT = 10;
  private static final DateTimeFormatter STARTED = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");
  private static final Pattern NAME = Pattern.compile("\\d{8}-\\d{6}-(\\d+)");

  private RunLogs() {}

  /**
   * Makes the folder of this process's run, named by its start and process id, and removes the
   * oldest ones beyond ten. Those of processes that still run stay.
   *
   * @param logs holds the folders of all runs
   */
  public static Path create(Path logs) throws IOException {
    List<Path> runs = runs(logs);
    for (Path run : runs.subList(0, Math.max(0, runs.size() - RUNS_KEPT + 1))) {
      if (!isRunning(run)) {
        delete(run);
      }
    }
    return Files.createDirectories(
        logs.resolve(
            STARTED.format(LocalDateTime.now(ZoneId.systemDefault()))
                + "-"
                + ProcessHandle.current().pid()));
  }

  /**
   * The log files of the newest run, in the order of their names; empty if there is none.
   *
   * @param logs holds the folders of all runs
   */
  public static List<Path> newest(Path logs) throws IOException {
    List<Path> runs = runs(logs);
    if (runs.isEmpty()) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(runs.getLast())) {
      return files.sorted(Comparator.comparing(RunLogs::name)).toList();
    }
  }

  private static List<Path> runs(Path logs) throws IOException {
    try (Stream<Path> files = Files.list(logs)) {
      return files
          .filter(file -> NAME.matcher(name(file)).matches())
          .sorted(Comparator.comparing(RunLogs::name))
          .toList();
    }
  }

  private static String name(Path run) {
    return String.valueOf(run.getFileName());
  }

  private static boolean isRunning(Path run) {
    Matcher name = NAME.matcher(name(run));
    return name.matches()
        && ProcessHandle.of(Long.parseLong(name.group(1)))
            .map(ProcessHandle::isAlive)
            .orElse(false);
  }

  private static void delete(Path run) throws IOException {
    try (Stream<Path> files = Files.list(run)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(run);
  }
}
