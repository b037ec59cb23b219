package org.kithlm.model.pack;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfigReader;
import org.kithlm.model.gguf.GgufFile;

/**
 * Makes a pack from a GGUF file in bounded memory, each byte read and written once. Weights keep
 * their values; only their order changes.
 */
public final class PackWriter {
  private PackWriter() {}

  /**
   * Writes a pack under a temporary name beside {@code pack} (ending in {@code .partial}), forces
   * it to disk and renames it, so that a half pack never has the final name. An existing pack is
   * replaced.
   *
   * @throws org.kithlm.model.gguf.GgufException if the GGUF file or its model is not supported
   * @throws PackException if the disk has too little room
   * @throws IOException if reading or writing fails
   */
  public static void write(Path gguf, Path pack, ProgressListener listener) throws IOException {
    GgufFile source = GgufFile.read(gguf);
    ModelConfig config = ModelConfigReader.from(source.metadata(), source.tensors());
    PackIndex index = PackIndex.layOut(source, config);
    int indexBytes = index.toJson().length;
    if (indexBytes > PackFormat.INDEX_BYTES_MAX) {
      throw new PackException(
          gguf
              + " needs an index of "
              + indexBytes
              + " bytes, at most "
              + PackFormat.INDEX_BYTES_MAX);
    }
    long bodyOffset = PackFormat.bodyOffsetBytes(indexBytes);
    long fileBytes = bodyOffset + index.bodyBytes();
    Path folder = pack.toAbsolutePath().getParent();
    if (folder == null) {
      throw new PackException(pack + " is not the name of a file");
    }
    requireSpace(folder, pack, fileBytes);
    Path partial = Files.createTempFile(folder, pack.getFileName() + ".", ".partial");
    try {
      try (FileChannel in = FileChannel.open(gguf, StandardOpenOption.READ);
          FileChannel out = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        PackBodyWriter body = new PackBodyWriter(source, in, out, bodyOffset, index, listener);
        byte[] json = body.write().toJson();
        if (json.length != indexBytes) {
          throw new AssertionError("index of " + json.length + " bytes, planned " + indexBytes);
        }
        PackBodyWriter.writeFully(out, PackFormat.prologue(json, fileBytes), 0);
        PackBodyWriter.writeFully(out, json, PackFormat.PROLOGUE_BYTES);
        if (out.size() < fileBytes) { // the last tensor ended before the padding does
          PackBodyWriter.writeFully(out, new byte[1], fileBytes - 1);
        }
        out.force(true);
      }
      Files.move(partial, pack, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  /** Refuses with the numbers if {@code folder} has no room for {@code fileBytes}. */
  static void requireSpace(Path folder, Path pack, long fileBytes) throws IOException {
    long usableBytes = Files.getFileStore(folder).getUsableSpace();
    if (usableBytes < fileBytes) {
      throw new PackException(
          pack
              + " needs "
              + fileBytes
              + " bytes, but "
              + folder
              + " has "
              + usableBytes
              + " free; free "
              + (fileBytes - usableBytes)
              + " more");
    }
  }
}
