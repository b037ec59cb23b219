package org.kithlm.transport.collective;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Set;
import org.agrona.IoUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.TransportException;

/**
 * Memory that the ranks of one machine share: a file that all of them map. Each rank writes its own
 * slot and reads those of all. Pieces of its partial sums go into the two halves of its slot in
 * turn, so that the slowest rank may still read one while the fastest writes the next. Only when a
 * rank has taken a piece of all others does it write to the other half: then all have done with
 * what is there. Until then, after aborted steps, it writes over its own last piece.
 *
 * <pre>
 *   slot of a rank, each part on a page of its own
 *       0 int  1 while the rank sleeps
 *    4096 two halves: long number of the piece, 0 while it is written; long step, int layer,
 *         int block, int first element; from 64 the f64 elements
 * </pre>
 *
 * All in the machine's byte order. Owned by the session's thread.
 */
final class SharedSlots implements AutoCloseable {
  private static final String PREFIX = "kith-sums-";
  private static final Duration ORPHANED_AFTER = Duration.ofMinutes(10);

  /** In place of a piece's number, which is 1 or more. */
  private static final long WRITING = 0;

  private static final int PIECE_MAX_FLOATS = 32 * 1024;
  private static final int PAGE_BYTES = 4096;
  private static final int STEP_OFFSET = 8;
  private static final int LAYER_OFFSET = 16;
  private static final int BLOCK_OFFSET = 20;
  private static final int FIRST_OFFSET = 24;
  private static final int ELEMENTS_OFFSET = 64;

  private final Path file;
  private final MappedByteBuffer mapped;
  private final UnsafeBuffer buffer;
  private final int ownRank;
  private final int pieceFloats;
  private long published;
  private int half; // to publish in
  private boolean deleted;

  private SharedSlots(Path file, MappedByteBuffer mapped, SessionConfig config) {
    this.file = file;
    this.mapped = mapped;
    buffer = new UnsafeBuffer(mapped);
    ownRank = config.rank();
    pieceFloats = pieceFloats(config);
  }

  /**
   * Makes the file, for its user only. The root, before the others look for it.
   *
   * @throws TransportException if it cannot be made
   */
  static SharedSlots create(SessionConfig config) {
    Path file = file(config);
    Set<StandardOpenOption> options =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    FileAttribute<?> ownerOnly =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    try {
      Files.createDirectories(config.driverParent());
      sweep(config.driverParent());
      try (FileChannel channel = FileChannel.open(file, options, ownerOnly)) {
        return new SharedSlots(file, map(channel, config), config);
      }
    } catch (IOException e) {
      throw new TransportException("cannot make memory to share, " + file + ": " + e, e);
    }
  }

  /**
   * Maps what the root has made.
   *
   * @throws TransportException if it is not there, as on another machine
   */
  static SharedSlots open(SessionConfig config) {
    Path file = file(config);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return new SharedSlots(file, map(channel, config), config);
    } catch (NoSuchFileException e) {
      throw new TransportException(
          "no memory that is shared with the root ("
              + file
              + "): this form of sums needs all ranks on one machine, choose another",
          e);
    } catch (IOException e) {
      throw new TransportException("cannot map " + file + ": " + e, e);
    }
  }

  private static MappedByteBuffer map(FileChannel channel, SessionConfig config)
      throws IOException {
    long bytes = (long) slotBytes(pieceFloats(config)) * config.peers().size();
    return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
  }

  /** Of a session and of no other, as epochs have keys of their own. */
  private static Path file(SessionConfig config) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update((config.epoch() + " ").getBytes(UTF_8));
      digest.update(
          config.key() == null
              ? config.peers().getFirst().endpoint().getBytes(UTF_8)
              : config.key().getEncoded());
      String name = PREFIX + HexFormat.of().formatHex(digest.digest(), 0, 16);
      return config.driverParent().resolve(name);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }

  /** A file goes as soon as all ranks have mapped it; one that is old is of a root that died. */
  private static void sweep(Path parent) throws IOException {
    Instant orphaned = Instant.now().minus(ORPHANED_AFTER);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path old : files) {
        if (Files.getLastModifiedTime(old).toInstant().isBefore(orphaned)) {
          Files.deleteIfExists(old);
        }
      }
    }
  }

  /** Most elements of a piece. */
  int pieceFloats() {
    return pieceFloats;
  }

  /** Publishes {@code partial[first, first + count)} as this rank's next piece. */
  void publish(Round round, int first, int count) {
    published++;
    int at = half(ownRank, half);
    buffer.putLongVolatile(at, WRITING);
    VarHandle.storeStoreFence();
    buffer.putLong(at + STEP_OFFSET, round.step());
    buffer.putInt(at + LAYER_OFFSET, round.layer());
    buffer.putInt(at + BLOCK_OFFSET, round.block());
    buffer.putInt(at + FIRST_OFFSET, first);
    double[] partial = round.partial();
    for (int i = 0; i < count; i++) {
      buffer.putDouble(at + ELEMENTS_OFFSET + i * Double.BYTES, partial[first + i]);
    }
    buffer.putLongVolatile(at, published); // before a look at who sleeps
  }

  /** This rank has taken the piece of all others that belongs to what it has published last. */
  void tookAll() {
    half = 1 - half;
  }

  /**
   * Copies the piece of {@code rank} that starts at {@code first} into {@code elements[0, count)}.
   *
   * @return whether it is there
   */
  boolean take(int rank, Round round, int first, int count, double[] elements) {
    return takeHalf(half(rank, 0), round, first, count, elements)
        || takeHalf(half(rank, 1), round, first, count, elements);
  }

  private boolean takeHalf(int half, Round round, int first, int count, double[] elements) {
    long number = buffer.getLongVolatile(half);
    if (number == WRITING || !isOf(round, first, half)) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      elements[i] = buffer.getDouble(half + ELEMENTS_OFFSET + i * Double.BYTES);
    }
    // After an aborted step that rank may go on without us and write over what we read.
    VarHandle.loadLoadFence();
    return buffer.getLongVolatile(half) == number;
  }

  private boolean isOf(Round round, int first, int half) {
    return buffer.getLong(half + STEP_OFFSET) == round.step()
        && buffer.getInt(half + LAYER_OFFSET) == round.layer()
        && buffer.getInt(half + BLOCK_OFFSET) == round.block()
        && buffer.getInt(half + FIRST_OFFSET) == first;
  }

  /** Tells the others whether to wake this rank. */
  void asleep(boolean asleep) {
    buffer.putIntVolatile(slot(ownRank), asleep ? 1 : 0);
  }

  /** Whether that rank sleeps and nobody else is about to wake it: then the caller has to. */
  boolean claimWakeUp(int rank) {
    int flag = slot(rank);
    return buffer.getIntVolatile(flag) == 1 && buffer.compareAndSetInt(flag, 1, 0);
  }

  /** All ranks have mapped the file: nobody needs its name any more. Idempotent. */
  void delete() {
    if (!deleted) {
      deleted = true;
      IoUtil.deleteIfExists(file.toFile());
    }
  }

  /** Unmaps the file, and deletes it where this is the root's. */
  @Override
  public void close() {
    if (ownRank == 0) {
      delete();
    }
    IoUtil.unmap(mapped);
  }

  private int slot(int rank) {
    return rank * slotBytes(pieceFloats);
  }

  private int half(int rank, int half) {
    return slot(rank) + PAGE_BYTES + half * halfBytes(pieceFloats);
  }

  private static int pieceFloats(SessionConfig config) {
    return Math.min(PIECE_MAX_FLOATS, config.maxFloats());
  }

  private static int slotBytes(int pieceFloats) {
    return PAGE_BYTES + 2 * halfBytes(pieceFloats);
  }

  private static int halfBytes(int pieceFloats) {
    int bytes = ELEMENTS_OFFSET + pieceFloats * Double.BYTES;
    return Math.ceilDiv(bytes, PAGE_BYTES) * PAGE_BYTES;
  }
}
