package org.kithlm.node.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class KvStoreTest {
  private static final long HEAD_BYTES = 70_000;
  private static final int HEADS = 2;
  private static final int FIRST_HEAD = 3;
  private static final long BYTES = 8 << 20;

  @TempDir Path folder;

  private static boolean offer(KvStore store, int number) {
    return store.offer(
        Pages.name(number),
        FIRST_HEAD,
        HEADS,
        HEAD_BYTES,
        (head, out) -> Pages.fill(10 * number + head, out));
  }

  private static CompletableFuture<KvStore.@Nullable Page> read(KvStore store, int number) {
    return store.read(Pages.name(number), FIRST_HEAD, HEADS, HEAD_BYTES);
  }

  private static boolean isRead(KvStore store, int number) throws Exception {
    try (KvStore.Page page = read(store, number).get(20, TimeUnit.SECONDS)) {
      for (int head = 0; page != null && head < HEADS; head++) {
        assertTrue(Pages.is(10 * number + head, page.head(head)));
      }
      return page != null;
    }
  }

  private static int countHeld(KvStore store, int firstHead, int headCount, int... numbers) {
    List<PageName> names = IntStream.of(numbers).mapToObj(Pages::name).toList();
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    return store.countHeld(names, firstHead, headCount, deadlineNs);
  }

  @Test
  void shouldHoldPagesOverARestart() throws Exception {
    KvStorePlace place = new KvStorePlace(folder, BYTES);
    try (KvStore store = new KvStore(place)) {
      for (int number = 0; number < 3; number++) {
        assertTrue(offer(store, number));
      }
    }
    try (KvStore store = new KvStore(place)) {
      assertEquals(3, countHeld(store, FIRST_HEAD, HEADS, 0, 1, 2, 3));
      assertEquals(0, countHeld(store, FIRST_HEAD, HEADS, 9, 0, 1));
      assertEquals(0, countHeld(store, FIRST_HEAD, HEADS + 1, 0), "a head of another rank");
      assertEquals(1, countHeld(store, FIRST_HEAD + 1, 1, 0), "fewer heads than were kept");
      assertTrue(isRead(store, 2));
      assertTrue(isRead(store, 0));
      assertFalse(isRead(store, 3));
      assertEquals(2 * HEADS, store.use().restoredPages());
      assertEquals(3L * HEADS * 2 * PieceMap.PIECE_BYTES, store.use().usedBytes());
    }
  }

  @Test
  void shouldNeverKeepAnyoneWaitingWhileItIsOpened() throws Exception {
    CountDownLatch slow = new CountDownLatch(1);
    try (KvStore store = new KvStore(() -> lockAfter(slow))) {
      assertEquals(0, store.use().usedBytes());
      int taken = 0;
      while (offer(store, taken)) {
        taken++;
        assertTrue(HEADS * HEAD_BYTES * taken < (16 << 20), "the queue has no end");
      }
      assertTrue(taken > 1);
      CompletableFuture<KvStore.@Nullable Page> read = read(store, 0);
      assertThrows(TimeoutException.class, () -> read.get(10, TimeUnit.MILLISECONDS));
      assertTrue(read.cancel(false));
      List<PageName> one = List.of(Pages.name(0));
      assertEquals(0, store.countHeld(one, FIRST_HEAD, HEADS, System.nanoTime() + 1));
      // It has been waited for once.
      assertEquals(0, store.countHeld(one, FIRST_HEAD, HEADS, Long.MAX_VALUE));

      slow.countDown();
      assertTrue(isRead(store, 100) || read(store, taken - 1).get(20, TimeUnit.SECONDS) == null);
    }
  }

  private StoreFolder lockAfter(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    return StoreFolder.lock(folder, BYTES, StoreFolder.CHRONICLE);
  }

  @Test
  void shouldDoWithoutADisk() throws Exception {
    try (KvStore store =
        new KvStore(
            () -> {
              throw new IOException("no such disk");
            })) {
      assertEquals(0, countHeld(store, FIRST_HEAD, HEADS, 0));
      assertTrue(offer(store, 0), "nobody is to try again");
      assertFalse(isRead(store, 0));
    }
  }

  @Test
  void shouldAnswerAfterItWasClosed() throws Exception {
    KvStore store = new KvStore(new KvStorePlace(folder, BYTES));
    assertTrue(offer(store, 0));
    store.close();
    store.close();
    assertTrue(offer(store, 1));
    assertNull(read(store, 0).get(20, TimeUnit.SECONDS));
    assertNotNull(store.use());
  }
}
