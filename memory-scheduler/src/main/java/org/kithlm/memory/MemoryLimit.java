package org.kithlm.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The memory that this process may use on Linux: the tightest limit of its control groups (version
 * 1 or 2) and their parents, or what the system has available if that is less.
 */
public final class MemoryLimit {
  private MemoryLimit() {}

  /** Bytes; empty where the system does not tell. Any thread. */
  public static OptionalLong bytes() {
    return bytes(Path.of("/"));
  }

  /** Tests pass a folder that stands for the root of the file system. */
  static OptionalLong bytes(Path root) {
    return LongStream.concat(availableBytes(root), groupLimits(root)).min();
  }

  /** MemAvailable of /proc/meminfo: free, or taken by caches that can go. */
  private static LongStream availableBytes(Path root) {
    return lines(root.resolve("proc/meminfo"))
        .map(line -> line.split("\\s+"))
        .filter(words -> words.length == 3 && words[0].equals("MemAvailable:"))
        .mapToLong(words -> Long.parseLong(words[1]) << 10);
  }

  /** Lines of /proc/self/cgroup are id:controllers:path; version 2 names no controllers. */
  private static LongStream groupLimits(Path root) {
    Path groups = root.resolve("sys/fs/cgroup");
    return lines(root.resolve("proc/self/cgroup"))
        .map(line -> line.split(":", 3))
        .filter(parts -> parts.length == 3)
        .flatMapToLong(
            parts -> {
              if (parts[1].isEmpty()) {
                return limits(groups, parts[2], "memory.max");
              }
              return Arrays.asList(parts[1].split(",")).contains("memory")
                  ? limits(groups.resolve("memory"), parts[2], "memory.limit_in_bytes")
                  : LongStream.empty();
            });
  }

  /**
   * Limits of a group and its parents. A container may see itself as the root of the hierarchy
   * under a path that it cannot see: what is not there does not count.
   */
  private static LongStream limits(Path hierarchy, String groupPath, String fileName) {
    Path group = hierarchy.resolve(groupPath.substring(1)).normalize();
    return Stream.iterate(group, folder -> folder.startsWith(hierarchy), Path::getParent)
        .flatMap(folder -> lines(folder.resolve(fileName)))
        .filter(line -> !line.equals("max"))
        .mapToLong(Long::parseLong);
  }

  private static Stream<String> lines(Path file) {
    try {
      return Files.readAllLines(file).stream();
    } catch (IOException e) {
      return Stream.empty(); // another system, or a group without this controller
    }
  }
}
