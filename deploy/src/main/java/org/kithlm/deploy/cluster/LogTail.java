package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** The end of a log file, however long the file is. */
public final class LogTail {
  /** More than a screen for people, and a bound for what is sent to others. */
  private static final int MAX_BYTES = 1 << 20;

  private LogTail() {}

  /** The last lines, of the last MiB at the most. */
  public static List<String> of(Path log, int lines) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
      byte[] bytes = new byte[(int) Math.min(file.length(), MAX_BYTES)];
      boolean isCut = file.length() > bytes.length;
      file.seek(file.length() - bytes.length);
      file.readFully(bytes);
      List<String> all = new String(bytes, StandardCharsets.UTF_8).lines().toList();
      int first = Math.max(isCut ? 1 : 0, all.size() - lines); // the first may be half a line
      return all.subList(Math.min(first, all.size()), all.size());
    }
  }
}
