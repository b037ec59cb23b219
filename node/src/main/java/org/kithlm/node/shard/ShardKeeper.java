package org.kithlm.node.shard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.KeptWeights;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.NodeMessage.ByteRun;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.WeightKeeper;
import org.kithlm.node.rank.RankWeights;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fills the local pack in the background: one part at a time, while no step is under way. A step
 * that begins meanwhile shares the disk and the link with one part of 2 MiB. Thread-safe.
 */
public final class ShardKeeper implements WeightKeeper {
  private static final Logger LOG = LoggerFactory.getLogger(ShardKeeper.class);

  /** Left on the disk for all else. */
  private static final long RESERVE_BYTES = 1L << 30;

  /**
   * How long a part waits for the end of steps; a cluster that never rests gets on all the same.
   */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final long LOOK_MS = 100;
  private static final long TELL_BYTES = 64 << 20;

  private final Function<String, Optional<Path>> localPacks;
  private final LocalPack.Source source;
  private final FreeBytes freeBytes;

  private @Nullable Thread thread; // guarded by this

  /** What a folder's disk has room for. */
  @FunctionalInterface
  interface FreeBytes {
    long of(Path folder) throws IOException;
  }

  /**
   * A keeper.
   *
   * @param localPacks finds a whole pack by its id; there is nothing to fetch then
   * @param folder holds the local packs
   * @param tls whom to trust, and who one is
   */
  public ShardKeeper(Function<String, Optional<Path>> localPacks, Path folder, SSLContext tls) {
    this(
        localPacks,
        new LocalPack.Source(folder, tls),
        path -> Files.getFileStore(path).getUsableSpace());
  }

  ShardKeeper(
      Function<String, Optional<Path>> localPacks, LocalPack.Source source, FreeBytes freeBytes) {
    this.localPacks = localPacks;
    this.source = source;
    this.freeBytes = freeBytes;
  }

  @Override
  public synchronized void keep(
      RankAssignment share,
      NodeMessage.WeightOrigin origin,
      BooleanSupplier idle,
      Consumer<KeptWeights> listener) {
    stop();
    thread =
        Thread.ofPlatform()
            .name("kith-keep")
            .daemon()
            .start(() -> run(share, origin, idle, listener));
  }

  @Override
  public synchronized void stop() {
    if (thread != null) {
      thread.interrupt();
      thread = null;
    }
  }

  private void run(
      RankAssignment share,
      NodeMessage.WeightOrigin origin,
      BooleanSupplier idle,
      Consumer<KeptWeights> listener) {
    Optional<Path> whole = localPacks.apply(share.packId());
    if (whole.isPresent()) {
      tellWhole(whole.get(), share, listener);
      return;
    }
    try (LocalPack local = LocalPack.open(source, share.packId(), origin)) {
      fill(local, share, idle, listener);
      local.force();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // there is a new plan
    } catch (IOException | PackException e) {
      if (!Thread.currentThread().isInterrupted()) {
        LOG.warn("weights for other plans are not kept: {}", e.getMessage());
        listener.accept(new KeptWeights(0, 0, Causes.message(e)));
      }
    }
  }

  /** All of it is on this machine, and stays. */
  private static void tellWhole(Path file, RankAssignment share, Consumer<KeptWeights> listener) {
    try (Pack pack = Pack.open(file)) {
      long bytes =
          pack.tiles(RankWeights.shardOf(pack, share)).stream().mapToLong(Tile::lengthBytes).sum();
      listener.accept(new KeptWeights(bytes, bytes, null));
    } catch (IOException e) {
      LOG.warn("{} cannot be read any more: {}", file, e.getMessage());
    }
  }

  private void fill(
      LocalPack local, RankAssignment share, BooleanSupplier idle, Consumer<KeptWeights> listener)
      throws IOException, InterruptedException {
    List<ByteRun> missing = new ArrayList<>();
    long wantedBytes = 0;
    for (Tile tile : local.pack().tiles(RankWeights.shardOf(local.pack(), share))) {
      awaitIdle(idle);
      missing.addAll(local.missing(tile));
      wantedBytes += tile.lengthBytes();
    }
    long missingBytes = missing.stream().mapToLong(ByteRun::lengthBytes).sum();
    long keptBytes = wantedBytes - missingBytes;
    String shortage = shortage(missingBytes);
    listener.accept(new KeptWeights(keptBytes, wantedBytes, shortage));
    if (shortage != null) {
      LOG.warn("weights for other plans are not kept: {}", shortage);
      return;
    }
    long toldBytes = keptBytes;
    for (List<ByteRun> request : local.requests(missing)) {
      awaitIdle(idle);
      local.copyPart(request);
      keptBytes += request.stream().mapToLong(ByteRun::lengthBytes).sum();
      if (keptBytes == wantedBytes || keptBytes - toldBytes >= TELL_BYTES) {
        toldBytes = keptBytes;
        listener.accept(new KeptWeights(keptBytes, wantedBytes, null));
      }
    }
  }

  private @Nullable String shortage(long missingBytes) throws IOException {
    long free = freeBytes.of(source.folder());
    return missingBytes + RESERVE_BYTES <= free
        ? null
        : "%d MiB are missing, and the disk of %s has %d MiB free, of which %d are to stay so"
            .formatted(missingBytes >> 20, source.folder(), free >> 20, RESERVE_BYTES >> 20);
  }

  private static void awaitIdle(BooleanSupplier idle) throws InterruptedException {
    long deadlineNs = System.nanoTime() + PATIENCE.toNanos();
    while (!idle.getAsBoolean() && System.nanoTime() < deadlineNs) {
      TimeUnit.MILLISECONDS.sleep(LOOK_MS);
    }
    if (Thread.interrupted()) {
      throw new InterruptedException("there is a new plan");
    }
  }
}
