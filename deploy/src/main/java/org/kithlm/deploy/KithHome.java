package org.kithlm.deploy;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;

/**
 * The folder that holds all state of a user's KithLM: {@code $KITH_HOME}, by default {@code
 * ~/.kith}.
 *
 * @param folder its absolute path; need not exist
 */
public record KithHome(Path folder) {

  /** Makes the path absolute. */
  public KithHome {
    folder = folder.toAbsolutePath().normalize();
  }

  /**
   * The folder that an environment names.
   *
   * @throws KithException if {@code KITH_HOME} is no path
   */
  public static KithHome of(Map<String, String> environment) {
    String value = environment.getOrDefault("KITH_HOME", "");
    if (value.isBlank()) {
      return new KithHome(Path.of(System.getProperty("user.home"), ".kith"));
    }
    try {
      return new KithHome(Path.of(value));
    } catch (InvalidPathException e) {
      throw new KithException(ExitCode.USAGE, "KITH_HOME=" + value + " is not a path", e);
    }
  }

  /**
   * A folder inside, made where it is missing; only its owner can read it.
   *
   * @throws KithException if it cannot be made
   */
  public Path subfolder(String name) {
    Path subfolder = folder.resolve(name);
    try {
      return Files.createDirectories(subfolder, ownerOnly());
    } catch (IOException e) {
      throw new KithException(
          ExitCode.OTHER,
          "cannot make the folder " + subfolder + " (" + e + "); set KITH_HOME to a writable one",
          e);
    }
  }

  /** The folder of compiled kernels, which need not exist. */
  public Path nativeFolder() {
    return folder.resolve("native");
  }

  private static FileAttribute<?>[] ownerOnly() {
    if (!FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
      return new FileAttribute<?>[0]; // Windows: a home folder is private by its ACL
    }
    return new FileAttribute<?>[] {
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
    };
  }
}
