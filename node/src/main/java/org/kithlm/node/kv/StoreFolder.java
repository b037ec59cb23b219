package org.kithlm.node.kv;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of a store: the map's file, whose name has the version of its layout and its size; the
 * order of use, which is there while the store is closed; and a lock. Owned by the store's thread.
 */
final class StoreFolder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StoreFolder.class);
  private static final String VERSION = "1";
  private static final String PREFIX = "pages-";
  private static final String SUFFIX = ".map";

  /** Room of the disk that is left to others, as for kept weights. */
  private static final long RESERVE_BYTES = 1L << 30;

  /** Of an entry in the file beside its piece: its key, its checksum and places in tables. */
  private static final int ENTRY_OVERHEAD_BYTES = 64;

  /** Makes, opens and mends the file of a map. */
  interface Opener {
    /** Throws where opening a file would not come to an end soon. */
    void requireReadable(Path file) throws IOException;

    PieceMap open(Path file, int capacity) throws IOException;

    PieceMap recover(Path file, int capacity) throws IOException;
  }

  /** Chronicle Map. */
  static final Opener CHRONICLE =
      new Opener() {
        @Override
        public void requireReadable(Path file) throws IOException {
          ChroniclePieces.requireReadable(file);
        }

        @Override
        public PieceMap open(Path file, int capacity) throws IOException {
          return ChroniclePieces.open(file, capacity);
        }

        @Override
        public PieceMap recover(Path file, int capacity) throws IOException {
          return ChroniclePieces.recover(file, capacity);
        }
      };

  private final Path folder;
  private final int capacity;
  private final Opener opener;
  private final Path file;
  private final Path order;
  private final Path orderBefore;
  private final FileChannel lockFile;
  private @Nullable PageTable table;

  private StoreFolder(Path folder, int capacity, Opener opener, FileChannel lockFile) {
    this.folder = folder;
    this.capacity = capacity;
    this.opener = opener;
    this.lockFile = lockFile;
    file = folder.resolve(PREFIX + VERSION + "-" + capacity + SUFFIX);
    order = folder.resolve("order");
    orderBefore = folder.resolve("order.before");
  }

  /**
   * Takes the folder for this process.
   *
   * @param folder exists, and only its owner can read it
   * @param bytes that the map may take
   * @throws IOException if another process has it, or the disk fails
   */
  static StoreFolder lock(Path folder, long bytes, Opener opener) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      makePrivate(folder.resolve("lock"));
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw new IOException("another process keeps its own in " + folder);
      }
      return new StoreFolder(folder, capacity(bytes), opener, channel);
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw new IOException("this process keeps its own in " + folder + " already", e);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Pieces that fit in so many bytes. */
  static int capacity(long bytes) {
    long pieces = bytes / (PieceMap.PIECE_BYTES + ENTRY_OVERHEAD_BYTES);
    return Math.clamp(pieces, 1, Integer.MAX_VALUE / 2);
  }

  /**
   * Opens what is there, mends what was not closed in order, and begins anew where that cannot be
   * done; what cannot be read is set aside.
   */
  PageTable open() throws IOException {
    setOthersAside();
    List<PageKey.Piece> closed = UseOrder.read(order);
    if (closed != null) {
      Files.move(order, orderBefore, StandardCopyOption.REPLACE_EXISTING);
    } else {
      Files.deleteIfExists(order);
    }
    PageTable opened = null;
    if (Files.exists(file)) {
      try {
        opener.requireReadable(file);
        opened = closed != null ? table(opener.open(file, capacity), closed) : mend();
      } catch (IOException | RuntimeException | InternalError e) {
        LOG.warn("the keys and values kept in {} cannot be read: {}", folder, e.toString());
        setAside(file);
      }
    }
    if (opened == null) {
      opened = table(create(), List.of());
    }
    table = opened;
    return opened;
  }

  private PageTable mend() throws IOException {
    LOG.info("the keys and values kept in {} were not closed in order; they are checked", folder);
    PieceMap pieces = opener.recover(file, capacity);
    try {
      Set<PageKey.Piece> whole = new LinkedHashSet<>(PageTable.wholePages(pieces));
      List<PageKey.Piece> known = UseOrder.read(orderBefore);
      List<PageKey.Piece> oldestFirst = new ArrayList<>();
      if (known != null) { // what came after it is newer
        known.stream().filter(whole::remove).forEach(oldestFirst::add);
      }
      oldestFirst.addAll(whole);
      return table(pieces, oldestFirst);
    } catch (RuntimeException | IOException e) {
      pieces.close();
      throw e;
    }
  }

  private PageTable table(PieceMap pieces, List<PageKey.Piece> oldestFirst) {
    return new PageTable(
        pieces, capacity, oldestFirst, () -> folder.toFile().getUsableSpace(), RESERVE_BYTES);
  }

  /** Under another name first, as half a file would keep the next start waiting. */
  private PieceMap create() throws IOException {
    Path fresh = folder.resolve("new");
    Files.deleteIfExists(fresh);
    long bytes = (long) capacity * (PieceMap.PIECE_BYTES + ENTRY_OVERHEAD_BYTES);
    long freeBytes = folder.toFile().getUsableSpace();
    if (freeBytes - bytes < RESERVE_BYTES) { // nothing would ever be written
      throw new IOException(
          "of the %d MiB that are free in %s, %d were asked for, and %d are left to others"
              .formatted(freeBytes >> 20, folder, bytes >> 20, RESERVE_BYTES >> 20));
    }
    opener.open(fresh, capacity).close();
    makePrivate(fresh);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    return opener.open(file, capacity);
  }

  private static void makePrivate(Path created) throws IOException {
    if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
      Files.setPosixFilePermissions(created, PosixFilePermissions.fromString("rw-------"));
    }
  }

  /** One is kept, for who wants to know what happened. */
  private void setAside(Path old) throws IOException {
    Path aside = folder.resolve("aside");
    Files.move(old, aside, StandardCopyOption.REPLACE_EXISTING);
    LOG.warn("{} is set aside as {}; it can be deleted", old.getFileName(), aside);
  }

  /** Maps of another version, which cannot be read, and of another size, which are not wanted. */
  private void setOthersAside() throws IOException {
    List<Path> others = new ArrayList<>();
    try (DirectoryStream<Path> maps = Files.newDirectoryStream(folder, PREFIX + "*" + SUFFIX)) {
      maps.forEach(others::add);
    }
    others.remove(file);
    for (Path other : others) {
      if (other.getFileName().toString().startsWith(PREFIX + VERSION + "-")) {
        LOG.info("{} is deleted, as another size is asked for", other);
        Files.delete(other);
      } else {
        setAside(other);
      }
    }
  }

  /** Closes the map, and tells the next start that all is in order, if it is. */
  @Override
  public void close() {
    PageTable open = table;
    table = null;
    try (lockFile) {
      if (open != null) {
        List<PageKey.Piece> oldestFirst = open.oldestFirst();
        open.close();
        if (open.isSound()) {
          try (FileChannel written = FileChannel.open(file, StandardOpenOption.WRITE)) {
            written.force(true); // what follows says that it is on disk
          }
          UseOrder.write(order, oldestFirst);
        }
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("the keys and values kept in {} did not close in order: {}", folder, e.toString());
    }
  }
}
