package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/** Refuses to begin what the disk cannot hold. */
final class FreeSpace {
  private FreeSpace() {}

  /**
   * Checks that a download and the pack made of it fit: both are on disk at the end, and a pack is
   * about as long as its GGUF.
   *
   * @param folder where both go
   * @param missingBytes still to download
   * @param packBytes about the length of the pack
   * @throws KithException with the numbers
   */
  static void require(Path folder, long missingBytes, long packBytes) throws IOException {
    long freeBytes = Files.getFileStore(folder).getUsableSpace();
    if (freeBytes - packBytes < missingBytes) {
      throw new KithException(
          ExitCode.DOES_NOT_FIT,
          folder
              + " has "
              + ByteSize.format(freeBytes)
              + " free, "
              + ByteSize.format(missingBytes + packBytes)
              + " are needed ("
              + ByteSize.format(missingBytes)
              + " download, "
              + ByteSize.format(packBytes)
              + " pack); free some or set KITH_HOME to another disk");
    }
  }
}
