package org.kithlm.node.shard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import javax.net.ssl.SSLContext;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.NodeMessage.ByteRun;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.rank.DoesNotFitException;
import org.kithlm.node.rank.RankWeights;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fills a local pack with the runs that a rank needs. The local pack is the coordinator's with
 * holes at the same offsets; what is there already is told by the checksums, so a fetch goes on
 * where it was cut, and a new plan fetches only what is missing. One thread.
 */
public final class ShardFetcher {
  private static final Logger LOG = LoggerFactory.getLogger(ShardFetcher.class);
  private static final int PART_BYTES = 2 << 20;
  private static final int REQUESTS_AT_ONCE = 2;
  private static final Duration PART_TIMEOUT = Duration.ofSeconds(60); // 2 MiB at 35 kB/s
  private static final Pattern PACK_ID = Pattern.compile("[0-9a-f]{64}");

  private final Path folder;
  private final SSLContext tls;
  private final Listener listener;
  private final Duration partTimeout;
  private final int partBytes; // of an answer

  /** Follows fetches; called from the thread that fetches. */
  @FunctionalInterface
  public interface Listener {
    /**
     * All of a rank's tiles are in the local pack.
     *
     * @param fetchedBytes weights that came from the coordinator
     * @param keptBytes weights that were there
     */
    void onComplete(long fetchedBytes, long keptBytes);
  }

  /**
   * A fetcher.
   *
   * @param folder holds the local packs
   * @param tls whom to trust, and who one is
   */
  public ShardFetcher(Path folder, SSLContext tls, Listener listener) {
    this(folder, tls, listener, PART_TIMEOUT, PART_BYTES);
  }

  ShardFetcher(
      Path folder, SSLContext tls, Listener listener, Duration partTimeout, int partBytes) {
    this.folder = folder;
    this.tls = tls;
    this.listener = listener;
    this.partTimeout = partTimeout;
    this.partBytes = partBytes;
  }

  /**
   * Fetches what is missing.
   *
   * @param processBytes what this process may use in memory, {@link Long#MAX_VALUE} for no limit
   * @return the local pack; all of the rank's tiles in it are intact
   * @throws DoesNotFitException if the rank will not fit into that, before any tile is fetched
   * @throws IOException if the coordinator can't be read or the disk is full
   * @throws PackException if what it sent is not the pack of the plan
   */
  public Path fetch(RankAssignment assignment, NodeMessage.WeightOrigin origin, long processBytes)
      throws IOException, InterruptedException {
    if (!PACK_ID.matcher(assignment.packId()).matches()) {
      throw new PackException(
          "the plan is for pack '" + assignment.packId() + "', which is no SHA-256 in hexadecimal");
    }
    Files.createDirectories(folder);
    Path file = folder.resolve(assignment.packId() + ".pack");
    try (RunClient client = new RunClient(origin.url(), tls, partTimeout);
        FileChannel channel =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.SPARSE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      if (!isOpenable(file, assignment.packId())) {
        setLength(channel, origin.packLengthBytes());
        copy(client, channel, origin.prelude());
      }
      try (Pack pack = Pack.open(file)) {
        requireSame(pack, assignment);
        RankWeights.requireFit(pack, assignment, processBytes);
        fetchTiles(pack, assignment, client, channel);
      }
      channel.force(true);
    }
    return file;
  }

  private static boolean isOpenable(Path file, String packId) throws IOException {
    try (Pack pack = Pack.open(file)) {
      return pack.id().equals(packId);
    } catch (PackException e) {
      LOG.info("{}; fetching it", e.getMessage());
      return false;
    }
  }

  private static void requireSame(Pack pack, RankAssignment assignment) {
    if (!pack.id().equals(assignment.packId())) {
      throw new PackException(
          "the coordinator sent pack " + pack.id() + ", the plan is for " + assignment.packId());
    }
  }

  private void fetchTiles(
      Pack pack, RankAssignment assignment, RunClient client, FileChannel channel)
      throws IOException, InterruptedException {
    List<Tile> incomplete = new ArrayList<>();
    List<ByteRun> missing = new ArrayList<>();
    long neededBytes = 0;
    for (Tile tile : pack.tiles(RankWeights.shardOf(pack, assignment))) {
      List<ByteRun> runs = missing(tile, channel);
      if (!runs.isEmpty()) {
        incomplete.add(tile);
        missing.addAll(runs);
      }
      neededBytes += tile.lengthBytes();
    }
    copy(client, channel, missing);
    for (Tile tile : incomplete) {
      if (!missing(tile, channel).isEmpty()) {
        throw new PackException(
            "the tile at offset "
                + tile.offsetBytes()
                + " came damaged from the coordinator; remove and pull the model there again");
      }
    }
    long fetchedBytes = missing.stream().mapToLong(ByteRun::lengthBytes).sum();
    listener.onComplete(fetchedBytes, neededBytes - fetchedBytes);
  }

  /** The pieces of a tile that are not there, neighbours merged. */
  private static List<ByteRun> missing(Tile tile, FileChannel channel) throws IOException {
    List<ByteRun> missing = new ArrayList<>();
    long fromBytes = tile.offsetBytes(); // end of the last piece that is there
    long offsetBytes = fromBytes;
    for (Tile.PieceCheck check : tile.checks()) {
      long endBytes = offsetBytes + check.lengthBytes();
      if (isIntact(check, offsetBytes, channel)) {
        if (fromBytes < offsetBytes) {
          missing.add(new ByteRun(fromBytes, offsetBytes - fromBytes));
        }
        fromBytes = endBytes;
      }
      offsetBytes = endBytes;
    }
    if (fromBytes < offsetBytes) {
      missing.add(new ByteRun(fromBytes, offsetBytes - fromBytes));
    }
    return missing;
  }

  private static boolean isIntact(Tile.PieceCheck check, long offsetBytes, FileChannel channel)
      throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(check.lengthBytes());
    while (piece.hasRemaining()) {
      if (channel.read(piece, offsetBytes + piece.position()) < 0) {
        return false;
      }
    }
    CRC32C crc = new CRC32C();
    crc.update(piece.flip());
    return (int) crc.getValue() == check.crc32c();
  }

  private static void setLength(FileChannel channel, long lengthBytes) throws IOException {
    channel.truncate(lengthBytes);
    if (channel.size() < lengthBytes) {
      channel.write(ByteBuffer.allocate(1), lengthBytes - 1);
    }
  }

  /** Copies runs, with the next request under way while the answer to one is written. */
  private void copy(RunClient client, FileChannel channel, List<ByteRun> runs)
      throws IOException, InterruptedException {
    Queue<List<ByteRun>> left = new ConcurrentLinkedQueue<>(requests(runs));
    ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("kith-fetch-", 0).factory());
    try {
      List<Future<?>> copiers = new ArrayList<>();
      for (int i = 0; i < REQUESTS_AT_ONCE; i++) {
        copiers.add(
            threads.submit(
                () -> {
                  for (List<ByteRun> next = left.poll(); next != null; next = left.poll()) {
                    write(channel, next, ByteBuffer.wrap(client.read(next)));
                  }
                  return null;
                }));
      }
      for (Future<?> copier : copiers) {
        copier.get();
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
    } finally {
      left.clear();
      threads.shutdownNow();
    }
  }

  /** Cuts and groups runs for one request each. */
  private List<List<ByteRun>> requests(List<ByteRun> runs) {
    List<List<ByteRun>> requests = new ArrayList<>();
    List<ByteRun> last = new ArrayList<>();
    long freeBytes = partBytes;
    for (ByteRun run : runs) {
      for (long done = 0; done < run.lengthBytes(); ) {
        if (freeBytes == 0 || last.size() == RunsRequest.RUNS_MAX) {
          requests.add(last);
          last = new ArrayList<>();
          freeBytes = partBytes;
        }
        long part = Math.min(freeBytes, run.lengthBytes() - done);
        last.add(new ByteRun(run.offsetBytes() + done, part));
        freeBytes -= part;
        done += part;
      }
    }
    if (!last.isEmpty()) {
      requests.add(last);
    }
    return requests;
  }

  private static void write(FileChannel channel, List<ByteRun> runs, ByteBuffer bytes)
      throws IOException {
    for (ByteRun run : runs) {
      ByteBuffer part = bytes.slice(bytes.position(), (int) run.lengthBytes());
      while (part.hasRemaining()) {
        channel.write(part, run.offsetBytes() + part.position());
      }
      bytes.position(bytes.position() + part.limit());
    }
  }
}
