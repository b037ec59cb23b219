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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The coordinator's pack with holes, at the same offsets, and the way to fill them. What is there
 * is told by the checksums. Two of them on the same file write the same bytes. One thread.
 */
final class LocalPack implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LocalPack.class);
  private static final int REQUESTS_AT_ONCE = 2;
  private static final Pattern PACK_ID = Pattern.compile("[0-9a-f]{64}");

  private final RunClient client;
  private final FileChannel channel;
  private final Path file;
  private final int partBytes;
  private final Pack pack;

  /**
   * How to read the coordinator's pack.
   *
   * @param folder holds the local packs
   * @param tls whom to trust, and who one is
   * @param partTimeout of a try of a request
   * @param partBytes of an answer
   */
  record Source(Path folder, SSLContext tls, Duration partTimeout, int partBytes) {
    private static final int PART_BYTES = 2 << 20;
    private static final Duration PART_TIMEOUT = Duration.ofSeconds(60); // 2 MiB at 35 kB/s

    Source(Path folder, SSLContext tls) {
      this(folder, tls, PART_TIMEOUT, PART_BYTES);
    }
  }

  private LocalPack(RunClient client, FileChannel channel, Path file, int partBytes, Pack pack) {
    this.client = client;
    this.channel = channel;
    this.file = file;
    this.partBytes = partBytes;
    this.pack = pack;
  }

  /**
   * Opens the file; where there is none yet, it is made with what every rank needs.
   *
   * @throws IOException if the coordinator can't be read or the disk is full
   * @throws PackException if what it sent is not the pack that is wanted
   */
  static LocalPack open(Source source, String packId, NodeMessage.WeightOrigin origin)
      throws IOException, InterruptedException {
    if (!PACK_ID.matcher(packId).matches()) {
      throw new PackException(
          "the plan is for pack '" + packId + "', which is no SHA-256 in hexadecimal");
    }
    Files.createDirectories(source.folder());
    Path file = source.folder().resolve(packId + ".pack");
    RunClient client = new RunClient(origin.url(), source.tls(), source.partTimeout());
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE,
              StandardOpenOption.SPARSE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      if (!isOpenable(file, packId)) {
        setLength(channel, origin.packLengthBytes());
        copy(client, channel, file, requests(origin.prelude(), source.partBytes()));
      }
      return new LocalPack(client, channel, file, source.partBytes(), openSame(file, packId));
    } catch (IOException | InterruptedException | RuntimeException e) {
      client.close();
      if (channel != null) {
        channel.close();
      }
      throw e;
    }
  }

  private static boolean isOpenable(Path file, String packId) throws IOException {
    try (Pack pack = Pack.open(file)) {
      return pack.id().equals(packId);
    } catch (PackException e) {
      LOG.info("{}; fetching it", e.getMessage());
      return false;
    }
  }

  private static Pack openSame(Path file, String packId) throws IOException {
    Pack pack = Pack.open(file);
    if (!pack.id().equals(packId)) {
      pack.close();
      throw new PackException(
          "the coordinator sent pack " + pack.id() + ", the plan is for " + packId);
    }
    return pack;
  }

  private static void setLength(FileChannel channel, long lengthBytes) throws IOException {
    channel.truncate(lengthBytes);
    if (channel.size() < lengthBytes) {
      channel.write(ByteBuffer.allocate(1), lengthBytes - 1);
    }
  }

  /** Its tables; tiles may be missing. */
  Pack pack() {
    return pack;
  }

  /** The pieces of a tile that are not there, neighbours merged. */
  List<ByteRun> missing(Tile tile) throws IOException {
    List<ByteRun> missing = new ArrayList<>();
    long fromBytes = tile.offsetBytes(); // end of the last piece that is there
    long offsetBytes = fromBytes;
    for (Tile.PieceCheck check : tile.checks()) {
      long endBytes = offsetBytes + check.lengthBytes();
      if (isIntact(check, offsetBytes)) {
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

  private boolean isIntact(Tile.PieceCheck check, long offsetBytes) throws IOException {
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

  /** Copies runs, with the next request under way while the answer to one is written. */
  void copy(List<ByteRun> runs) throws IOException, InterruptedException {
    copy(client, channel, file, requests(runs));
  }

  /** Cuts and groups runs for one request each. */
  List<List<ByteRun>> requests(List<ByteRun> runs) {
    return requests(runs, partBytes);
  }

  /** Copies the runs of one request. */
  void copyPart(List<ByteRun> request) throws IOException, InterruptedException {
    write(channel, file, request, ByteBuffer.wrap(client.read(request)));
  }

  private static void copy(
      RunClient client, FileChannel channel, Path file, List<List<ByteRun>> requests)
      throws IOException, InterruptedException {
    Queue<List<ByteRun>> left = new ConcurrentLinkedQueue<>(requests);
    ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("kith-fetch-", 0).factory());
    try {
      List<Future<?>> copiers = new ArrayList<>();
      for (int i = 0; i < REQUESTS_AT_ONCE; i++) {
        copiers.add(
            threads.submit(
                () -> {
                  for (List<ByteRun> next = left.poll(); next != null; next = left.poll()) {
                    write(channel, file, next, ByteBuffer.wrap(client.read(next)));
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

  private static List<List<ByteRun>> requests(List<ByteRun> runs, int partBytes) {
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

  private static void write(FileChannel channel, Path file, List<ByteRun> runs, ByteBuffer bytes)
      throws IOException {
    for (ByteRun run : runs) {
      ByteBuffer part = bytes.slice(bytes.position(), (int) run.lengthBytes());
      try {
        while (part.hasRemaining()) {
          channel.write(part, run.offsetBytes() + part.position());
        }
      } catch (IOException e) {
        throw new IOException(
            String.join(
                " ",
                List.of(
                    "cannot write weights to",
                    file + ":",
                    e.getMessage() + ";",
                    (Files.getFileStore(file).getUsableSpace() >> 20) + " MiB are free there")),
            e);
      }
      bytes.position(bytes.position() + part.limit());
    }
  }

  /** Has the disk take what was written. */
  void force() throws IOException {
    channel.force(true);
  }

  /** Ends requests under way too. */
  @Override
  public void close() throws IOException {
    client.close();
    channel.close();
    pack.close();
  }
}
