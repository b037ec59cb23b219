package org.kithlm.node.kv;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pages in pieces, and which of them were used last. When it is full the page that was not used for
 * the longest time goes. Each piece begins with its checksum and how many bytes of it are used, so
 * that what a crash has left is not taken for a page, nor a piece for one of another page. Owned by
 * the store's thread but for {@link #has} and {@link #usedBytes}.
 */
final class PageTable implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PageTable.class);
  private static final int HEADER_BYTES = 2 * Integer.BYTES;
  private static final int PAYLOAD_BYTES = PieceMap.PIECE_BYTES - HEADER_BYTES;
  private static final int PIECES_MAX = 0xffff; // of a page: what its key has room for

  /** Bounds the index, of which a page takes about a hundred bytes of heap. */
  static final int PAGES_MAX = 65_536;

  private final PieceMap pieces;
  private final int capacity; // pieces
  private final LongSupplier freeBytes;
  private final long reserveBytes;
  private final byte[] piece = new byte[PieceMap.PIECE_BYTES];
  private final byte[] key = new byte[PageKey.BYTES];
  private final CRC32C crc = new CRC32C();

  /** Pieces of each page, the longest unused first; guarded by itself. */
  private final Map<PageKey, Integer> pages = new LinkedHashMap<>(16, 0.75f, true);

  private int used; // pieces; guarded by pages
  private boolean full; // the disk, when it was last asked
  private boolean broken;

  /**
   * A table over pieces that are there already.
   *
   * @param capacity pieces that there is room for
   * @param oldestFirst what is known of the order of use; pages that are not whole are dropped
   * @param freeBytes of the disk
   * @param reserveBytes of the disk that are left to others
   */
  PageTable(
      PieceMap pieces,
      int capacity,
      List<PageKey.Piece> oldestFirst,
      LongSupplier freeBytes,
      long reserveBytes) {
    this.pieces = pieces;
    this.capacity = capacity;
    this.freeBytes = freeBytes;
    this.reserveBytes = reserveBytes;
    synchronized (pages) {
      for (PageKey.Piece page : oldestFirst) {
        pages.put(page.page(), page.count());
        used += page.count();
      }
    }
    makeRoom(0);
  }

  /** Pages that are whole, from all keys of a map. It drops the pieces of the others. */
  static List<PageKey.Piece> wholePages(PieceMap pieces) {
    Map<PageKey.Piece, Integer> found = new LinkedHashMap<>(); // under piece 0 of each
    pieces.forEachKey(key -> found.merge(firstPiece(key), 1, Integer::sum));
    found.entrySet().removeIf(page -> page.getValue() != page.getKey().count());
    List<byte[]> others = new ArrayList<>();
    pieces.forEachKey(
        key -> {
          if (!found.containsKey(firstPiece(key))) {
            others.add(key.clone());
          }
        });
    others.forEach(pieces::remove);
    return List.copyOf(found.keySet());
  }

  private static PageKey.Piece firstPiece(byte[] key) {
    PageKey.Piece one = PageKey.read(key);
    return new PageKey.Piece(one.page(), 0, one.count());
  }

  /** Whether a page is there, as far as is known without reading it. Any thread. */
  boolean has(PageKey page) {
    synchronized (pages) {
      return pages.containsKey(page);
    }
  }

  /** Bytes of the pieces in use. Any thread. */
  long usedBytes() {
    synchronized (pages) {
      return (long) used * PieceMap.PIECE_BYTES;
    }
  }

  /** Tells that a page was used. */
  void touch(PageKey page) {
    synchronized (pages) {
      pages.get(page);
    }
  }

  /** Whether nothing failed, so that the index tells what the map holds. */
  boolean isSound() {
    return !broken;
  }

  /** All pages, the longest unused first. */
  List<PageKey.Piece> oldestFirst() {
    synchronized (pages) {
      return pages.entrySet().stream()
          .map(page -> new PageKey.Piece(page.getKey(), 0, page.getValue()))
          .toList();
    }
  }

  /**
   * Keeps a page, if there is room on the disk. A failure ends writing for good, with a line in the
   * log.
   *
   * @return whether it was written now
   */
  boolean put(PageKey page, MemorySegment content) {
    int count = Math.toIntExact(Math.ceilDiv(content.byteSize(), (long) PAYLOAD_BYTES));
    if (broken || count > Math.min(capacity, PIECES_MAX) || isDiskFull()) {
      return false;
    }
    synchronized (pages) {
      if (pages.get(page) != null) {
        return false; // and it was used
      }
    }
    try {
      makeRoom(count);
      for (int number = 0; number < count; number++) {
        long from = (long) number * PAYLOAD_BYTES;
        int length = (int) Math.min(PAYLOAD_BYTES, content.byteSize() - from);
        MemorySegment.copy(content, ValueLayout.JAVA_BYTE, from, piece, HEADER_BYTES, length);
        page.write(number, count, key);
        ByteBuffer.wrap(piece).putInt(checksum(length)).putInt(length);
        pieces.put(key, piece);
      }
    } catch (RuntimeException | Error e) { // the latter where a mapped page has no disk, for one
      broken = true;
      LOG.warn("keys and values are not kept on disk any more: {}", e.toString());
      return false;
    }
    synchronized (pages) {
      pages.put(page, count);
      used += count;
    }
    return true;
  }

  private boolean isDiskFull() {
    boolean now = freeBytes.getAsLong() < reserveBytes;
    if (now && !full) {
      LOG.warn(
          "less than {} MiB of the disk are free, so keys and values are not kept until there is"
              + " more",
          reserveBytes >> 20);
    }
    full = now;
    return now;
  }

  /** Drops pages until there is room for one of so many pieces. */
  private void makeRoom(int count) {
    while (true) {
      PageKey oldest;
      int oldestCount;
      synchronized (pages) {
        boolean fits = used + count <= capacity && pages.size() < PAGES_MAX;
        Iterator<Map.Entry<PageKey, Integer>> first = pages.entrySet().iterator();
        if (fits || !first.hasNext()) {
          return;
        }
        Map.Entry<PageKey, Integer> entry = first.next();
        oldest = entry.getKey();
        oldestCount = entry.getValue();
      }
      drop(oldest, oldestCount);
    }
  }

  private void drop(PageKey page, int count) {
    synchronized (pages) {
      pages.remove(page);
      used -= count;
    }
    for (int number = 0; number < count; number++) {
      page.write(number, count, key);
      pieces.remove(key);
    }
  }

  /**
   * Reads a page. One that is damaged is dropped.
   *
   * @param out takes it; as long as it is
   * @return whether it was there
   */
  boolean get(PageKey page, MemorySegment out) {
    Integer count;
    synchronized (pages) {
      count = pages.get(page);
    }
    if (count == null) {
      return false;
    }
    boolean whole = count == Math.ceilDiv(out.byteSize(), (long) PAYLOAD_BYTES);
    try {
      for (int number = 0; whole && number < count; number++) {
        page.write(number, count, key);
        whole = pieces.get(key, piece) && copyPiece(out, (long) number * PAYLOAD_BYTES);
      }
      if (!whole) {
        LOG.warn("a page of keys and values was damaged on disk; it is made again");
        drop(page, count);
      }
    } catch (RuntimeException | Error e) {
      broken = true;
      LOG.warn("keys and values cannot be read from disk: {}", e.toString());
      return false;
    }
    return whole;
  }

  private boolean copyPiece(MemorySegment out, long to) {
    ByteBuffer header = ByteBuffer.wrap(piece);
    int sum = header.getInt();
    int length = header.getInt();
    if (length != Math.min(PAYLOAD_BYTES, out.byteSize() - to) || sum != checksum(length)) {
      return false;
    }
    MemorySegment.copy(piece, HEADER_BYTES, out, ValueLayout.JAVA_BYTE, to, length);
    return true;
  }

  /** Of the piece and the key that it is under. */
  private int checksum(int length) {
    crc.reset();
    crc.update(key);
    crc.update(piece, HEADER_BYTES, length);
    return (int) crc.getValue();
  }

  @Override
  public void close() {
    pieces.close();
  }
}
