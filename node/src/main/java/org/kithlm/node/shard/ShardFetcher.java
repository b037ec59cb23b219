package org.kithlm.node.shard;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
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

  private final Path folder;

  /** Keeps local packs in a folder. */
  public ShardFetcher(Path folder) {
    this.folder = folder;
  }

  /**
   * Fetches what is missing.
   *
   * @return the local pack; all of the rank's tiles in it are intact
   * @throws IOException if the coordinator can't be read or the disk is full
   * @throws PackException if what it sent is not the pack of the plan
   */
  public Path fetch(RankAssignment assignment, NodeMessage.WeightOrigin origin)
      throws IOException, InterruptedException {
    Files.createDirectories(folder);
    Path file = folder.resolve(assignment.packId() + ".pack");
    try (RangeClient client = new RangeClient(origin.url());
        FileChannel channel =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.SPARSE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      if (!isOpenable(file, assignment.packId())) {
        setLength(channel, origin.packLengthBytes());
        for (NodeMessage.ByteRun run : origin.prelude()) {
          copy(client, channel, run.offsetBytes(), run.lengthBytes());
        }
      }
      try (Pack pack = Pack.open(file)) {
        requireSame(pack, assignment);
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

  private static void fetchTiles(
      Pack pack, RankAssignment assignment, RangeClient client, FileChannel channel)
      throws IOException, InterruptedException {
    long fetchedBytes = 0;
    for (Tile tile : pack.tiles(RankWeights.shardOf(pack, assignment))) {
      if (!isIntact(tile, channel)) {
        copy(client, channel, tile.offsetBytes(), tile.lengthBytes());
        fetchedBytes += tile.lengthBytes();
        if (!isIntact(tile, channel)) {
          throw new PackException(
              "tile at "
                  + tile.offsetBytes()
                  + " came damaged from the coordinator; check its"
                  + " pack with `kith show`");
        }
      }
    }
    LOG.info("rank {}: fetched {} bytes of weights", assignment.rank(), fetchedBytes);
  }

  private static boolean isIntact(Tile tile, FileChannel channel) throws IOException {
    long offsetBytes = tile.offsetBytes();
    for (Tile.PieceCheck check : tile.checks()) {
      ByteBuffer piece = ByteBuffer.allocate(check.lengthBytes());
      while (piece.hasRemaining()) {
        if (channel.read(piece, offsetBytes + piece.position()) < 0) {
          return false;
        }
      }
      CRC32C crc = new CRC32C();
      crc.update(piece.flip());
      if ((int) crc.getValue() != check.crc32c()) {
        return false;
      }
      offsetBytes += check.lengthBytes();
    }
    return true;
  }

  private static void setLength(FileChannel channel, long lengthBytes) throws IOException {
    channel.truncate(lengthBytes);
    if (channel.size() < lengthBytes) {
      channel.write(ByteBuffer.allocate(1), lengthBytes - 1);
    }
  }

  private static void copy(
      RangeClient client, FileChannel channel, long offsetBytes, long lengthBytes)
      throws IOException, InterruptedException {
    for (long done = 0; done < lengthBytes; ) {
      int part = (int) Math.min(PART_BYTES, lengthBytes - done);
      ByteBuffer bytes = ByteBuffer.wrap(client.read(offsetBytes + done, part));
      while (bytes.hasRemaining()) {
        channel.write(bytes, offsetBytes + done + bytes.position());
      }
      done += part;
    }
  }
}
