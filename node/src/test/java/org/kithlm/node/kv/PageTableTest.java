package org.kithlm.node.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageTableTest {
  private static final int PAYLOAD = PieceMap.PIECE_BYTES - 8;
  private static final int CAPACITY = 12;

  private final MapPieces pieces = new MapPieces();
  private final Arena arena = Arena.ofConfined();
  private long freeBytes = Long.MAX_VALUE;
  private PageTable table = table(List.of());

  private PageTable table(List<PageKey.Piece> oldestFirst) {
    return new PageTable(pieces, CAPACITY, oldestFirst, () -> freeBytes, 1000);
  }

  @AfterEach
  void free() {
    arena.close();
  }

  private boolean put(int number, long bytes) {
    return table.put(Pages.key(number), Pages.content(arena, number, bytes));
  }

  private boolean isRead(int number, long bytes) {
    var out = arena.allocate(bytes);
    boolean found = table.get(Pages.key(number), out);
    assertTrue(!found || Pages.is(number, out), "page " + number + " has another's content");
    return found;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 7, PAYLOAD - 1, PAYLOAD, PAYLOAD + 1, 3 * PAYLOAD + 13})
  void shouldGiveBackWhatItTook(long bytes) {
    assertFalse(isRead(1, bytes));
    assertTrue(put(1, bytes));
    assertTrue(isRead(1, bytes));
    assertFalse(isRead(2, bytes));
    assertFalse(put(1, bytes), "it is there");
    assertEquals((bytes + PAYLOAD - 1) / PAYLOAD * PieceMap.PIECE_BYTES, table.usedBytes());
  }

  @Test
  void shouldDropWhatWasNotUsedForTheLongestTime() {
    for (int number = 0; number < 4; number++) {
      put(number, 3L * PAYLOAD);
    }
    table.touch(Pages.key(0));
    assertTrue(isRead(1, 3L * PAYLOAD));
    put(4, 3L * PAYLOAD);
    assertFalse(isRead(2, 3L * PAYLOAD));
    put(5, 4L * PAYLOAD);
    assertFalse(isRead(3, 3L * PAYLOAD));
    assertFalse(isRead(0, 3L * PAYLOAD));
    assertTrue(isRead(1, 3L * PAYLOAD));
    assertFalse(put(6, (CAPACITY + 1L) * PAYLOAD), "larger than all room");
    assertTrue(isRead(1, 3L * PAYLOAD));
  }

  @Test
  void shouldNeverExceedItsBound() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 500; i++) {
      int number = random.nextInt(20);
      long bytes = (1 + number % 5) * (long) PAYLOAD - number;
      if (random.nextBoolean()) {
        put(number, bytes);
        assertTrue(isRead(number, bytes), "seed=" + seed);
      } else {
        isRead(number, bytes);
      }
      assertTrue(pieces.pieces.size() <= CAPACITY, "seed=" + seed);
      assertEquals(
          (long) pieces.pieces.size() * PieceMap.PIECE_BYTES, table.usedBytes(), "seed=" + seed);
    }
  }

  @Test
  void shouldFindWholePagesAndDropTheRest() {
    put(1, 2L * PAYLOAD);
    put(2, 3L * PAYLOAD);
    put(3, 1);
    byte[] key = new byte[PageKey.BYTES];
    Pages.key(2).write(1, 3, key);
    pieces.remove(key);

    List<PageKey.Piece> whole = PageTable.wholePages(pieces);

    assertEquals(
        Set.of(new PageKey.Piece(Pages.key(1), 0, 2), new PageKey.Piece(Pages.key(3), 0, 1)),
        new LinkedHashSet<>(whole));
    assertEquals(3, pieces.pieces.size());
    table = table(whole);
    assertTrue(isRead(1, 2L * PAYLOAD));
    assertFalse(isRead(2, 3L * PAYLOAD));
  }

  @Test
  void shouldDropAPageOfWhichABitHasFlipped() {
    put(1, 2L * PAYLOAD);
    pieces.pieces.values().iterator().next()[PAYLOAD / 2] ^= 4;
    assertFalse(isRead(1, 2L * PAYLOAD));
    assertFalse(table.has(Pages.key(1)));
    assertTrue(pieces.pieces.isEmpty());
    assertTrue(put(1, 2L * PAYLOAD));
    assertTrue(isRead(1, 2L * PAYLOAD));
  }

  @Test
  void shouldNotTakeAPieceThatLiesUnderTheKeyOfAnotherPage() {
    put(1, 100);
    put(2, 100);
    byte[] first = new byte[PageKey.BYTES];
    byte[] second = new byte[PageKey.BYTES];
    Pages.key(1).write(0, 1, first);
    Pages.key(2).write(0, 1, second);
    byte[] piece = new byte[PieceMap.PIECE_BYTES];
    assertTrue(pieces.get(first, piece));
    pieces.put(second, piece);
    assertFalse(isRead(2, 100));
    assertTrue(isRead(1, 100));
  }

  @Test
  void shouldNotTakeAPageOfAnotherLengthForItsOwn() {
    put(1, 100);
    assertFalse(isRead(1, 101));
  }

  @Test
  void shouldWaitWhileTheDiskIsFull() {
    put(1, 1);
    freeBytes = 999;
    assertFalse(put(2, 1));
    assertTrue(isRead(1, 1));
    freeBytes = 1000;
    assertTrue(put(2, 1));
    assertTrue(table.isSound());
  }

  @Test
  void shouldWriteNoMoreAfterAFailure() {
    put(1, 1);
    pieces.broken = new IllegalStateException("no room");
    assertFalse(put(2, 1));
    pieces.broken = null;
    assertFalse(put(3, 1));
    assertFalse(table.isSound());
    assertTrue(isRead(1, 1));
  }
}
