package org.kithlm.model.pack;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.LongUnaryOperator;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfigReader;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;

/**
 * Makes a pack from a GGUF file in bounded memory, each byte read and written once. Weights keep
 * their values; only their order changes. Or makes one of a model's shape with made-up weights.
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
    save(
        gguf,
        pack,
        fileBytes -> fileBytes,
        (source, in, out, bodyOffset, index) ->
            new PackBodyWriter(source, in, out, bodyOffset, index, listener).write());
  }

  /**
   * Writes a pack of made-up weights, otherwise as {@link #write}.
   *
   * @param gguf of which only the header is read; matrices must be Q4_K, vectors F32, and its
   *     length that of a whole file, which may be a hole
   * @param seed of the weights; equal seeds give equal packs
   * @param shares of the ranks, relative to each other
   * @param rank whose runs are written, the others being holes; all runs if there is one share
   */
  public static void synthesize(
      Path gguf, Path pack, long seed, double[] shares, int rank, ProgressListener listener)
      throws IOException {
    save(
        gguf,
        pack,
        fileBytes -> fileBytes / shares.length,
        (source, in, out, bodyOffset, index) -> {
          RankShard shard = ShardPlan.weighted(index.config(), index.units(), shares).shard(rank);
          List<PackRun> runs =
              shares.length == 1
                  ? List.of(new PackRun(0, Long.MAX_VALUE))
                  : new PackTiles(index, bodyOffset).runs(shard);
          return new SyntheticBodyWriter(source, in, out, bodyOffset, index, runs, listener)
              .write(new SyntheticWeights(seed));
        });
  }

  /** Writes the body of a pack. */
  @FunctionalInterface
  private interface Body {
    /** Returns the index with all checks. */
    PackIndex write(
        GgufFile source, FileChannel in, FileChannel out, long bodyOffsetBytes, PackIndex index)
        throws IOException;
  }

  private static void save(Path gguf, Path pack, LongUnaryOperator neededBytes, Body body)
      throws IOException {
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
    requireSpace(folder, pack, neededBytes.applyAsLong(fileBytes));
    Path partial = Files.createTempFile(folder, pack.getFileName() + ".", ".partial");
    try {
      try (FileChannel in = FileChannel.open(gguf, StandardOpenOption.READ);
          FileChannel out = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        byte[] json = body.write(source, in, out, bodyOffset, index).toJson();
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
