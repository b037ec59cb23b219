package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Arrays;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.KithHome;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.gguf.GgufHeader;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.model.pack.PackWriter;

/**
 * Makes packs of real shapes with made-up weights, to try memory and speed where the real model is
 * not at hand. Owned by one thread.
 */
public final class Synthesizer {
  private final KithHome home;
  private final ModelStore store;
  private final Progress progress;

  /** A maker of models for a user's store. */
  public Synthesizer(KithHome home, Progress progress) {
    this.home = home;
    this.store = new ModelStore(home);
    this.progress = progress;
  }

  /**
   * Makes a pack, whole or with the runs of one rank. That of rank 0 becomes a model of the store;
   * that of another rank lies where a node keeps what it has fetched, and is found when it joins.
   *
   * @param seed of the weights; equal seeds give equal packs
   * @param ranks of equal shares, 1 for a whole pack
   * @param rank from 0 to {@code ranks - 1}
   * @return the pack file
   * @throws KithException if the disk is too small
   */
  @SuppressWarnings("try") // the lock is only held
  public Path make(String name, SyntheticShape shape, long seed, int ranks, int rank)
      throws IOException {
    double[] shares = new double[ranks];
    Arrays.fill(shares, 1);
    try (ModelLock lock = store.lock(name)) {
      Path folder = rank == 0 ? store.makeFolder(name) : home.subfolder("shards");
      Path gguf = Files.createTempFile(folder, "synthetic", ".gguf.partial");
      Path pack = Files.createTempFile(folder, "synthetic", ".pack.partial");
      try {
        writeHeader(gguf, shape);
        progress.begin("making weights up", 0, Files.size(gguf));
        PackWriter.synthesize(
            gguf, pack, seed, shares, rank, (doneBytes, totalBytes) -> progress.advance(doneBytes));
        progress.end();
        Path target = rank == 0 ? store.pack(name) : folder.resolve(id(pack) + ".pack");
        Files.move(pack, target, StandardCopyOption.REPLACE_EXISTING);
        if (rank == 0) {
          store.add(
              new StoredModel(
                  name,
                  "synthetic " + shape + ", seed " + seed,
                  "",
                  0,
                  Files.size(target),
                  Clock.systemUTC().instant().getEpochSecond()));
        }
        return target;
      } catch (PackException e) {
        throw new KithException(ExitCode.OTHER, String.valueOf(e.getMessage()), e);
      } finally {
        Files.deleteIfExists(gguf);
        Files.deleteIfExists(pack);
      }
    }
  }

  /** All but its header is a hole. */
  private static void writeHeader(Path gguf, SyntheticShape shape) throws IOException {
    GgufHeader header = shape.header(GgmlType.Q4_K);
    byte[] bytes = header.bytes();
    Files.write(gguf, bytes);
    try (FileChannel file = FileChannel.open(gguf, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(1), bytes.length + header.dataBytes() - 1);
    }
  }

  private static String id(Path pack) throws IOException {
    try (Pack opened = Pack.open(pack)) {
      return opened.id();
    }
  }
}
