package org.kithlm.node.kv;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.KvStoreUse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys and values that a node keeps on its disk. It outlives the ranks that use it. Its thread
 * opens it, which takes seconds, reads and writes; nothing that goes wrong there is a failure of a
 * rank. Methods may be called from any thread and return at once but where they take a deadline.
 */
public final class KvStore implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KvStore.class);

  /** Pages that wait to be written, outside the heap; one of any size may. */
  private static final long QUEUE_BYTES = 8 << 20;

  /** Less than what the parent of a local node waits for its end. */
  private static final long CLOSE_MS = 3_000;

  /** Opens what a store works on, and closes it. */
  interface Opening {
    StoreFolder lock() throws IOException;
  }

  private final CompletableFuture<PageTable> opened = new CompletableFuture<>();
  private final Thread thread;
  private final AtomicLong storedPages = new AtomicLong();
  private final AtomicLong restoredPages = new AtomicLong();
  private volatile boolean waitedForOpening;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // Guarded by lock.
  private final ArrayDeque<Read> reads = new ArrayDeque<>();
  private final ArrayDeque<Page> writes = new ArrayDeque<>();
  private long queuedBytes;
  private boolean closed;

  /**
   * One page of all heads of a rank, on its way.
   *
   * @param name its name
   * @param firstHead number of the first head in the model
   * @param headCount how many there are
   * @param arena of the content
   * @param content head by head
   */
  public record Page(
      PageName name, int firstHead, int headCount, Arena arena, MemorySegment content)
      implements AutoCloseable {
    @SuppressWarnings("MustBeClosedChecker") // close() closes the arena
    static Page allocate(PageName name, int firstHead, int headCount, long headBytes) {
      Arena arena = Arena.ofShared();
      return new Page(name, firstHead, headCount, arena, arena.allocate(headCount * headBytes));
    }

    /** The part of a head, counted from the first. */
    public MemorySegment head(int index) {
      long bytes = content.byteSize() / headCount;
      return content.asSlice(index * bytes, bytes);
    }

    /** Frees the content. */
    @Override
    public void close() {
      arena.close();
    }
  }

  private record Read(
      PageName name,
      int firstHead,
      int headCount,
      long headBytes,
      CompletableFuture<@Nullable Page> result) {}

  /** Fills a page that is to be kept. */
  @FunctionalInterface
  public interface Filler {
    /**
     * Copies one head's part.
     *
     * @param index of the head, from 0
     */
    void fill(int index, MemorySegment out);
  }

  /** Starts to open a store; returns at once. */
  public KvStore(KvStorePlace place) {
    this(() -> StoreFolder.lock(place.folder(), place.bytes(), StoreFolder.CHRONICLE));
  }

  KvStore(Opening opening) {
    thread = Thread.ofPlatform().name("kith-kv").daemon().unstarted(() -> run(opening));
    thread.start();
  }

  private void run(Opening opening) {
    long start = System.nanoTime();
    try (StoreFolder folder = opening.lock()) {
      PageTable table = folder.open();
      LOG.info(
          "keys and values on disk: {} MiB, opened in {} ms",
          table.usedBytes() >> 20,
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
      opened.complete(table);
      for (Runnable work = next(table); work != null; work = next(table)) {
        work.run();
      }
    } catch (IOException | RuntimeException | Error e) { // e.g. no memory for the mapping
      LOG.warn("keys and values are not kept on disk: {}", e.toString());
      opened.completeExceptionally(e);
    } finally {
      discardAll();
    }
  }

  /** What to do next, reads first; null once closed. */
  private @Nullable Runnable next(PageTable table) {
    lock.lock();
    try {
      while (true) {
        Read read = closed ? null : reads.poll();
        if (read != null) {
          return () -> read(table, read);
        }
        Page page = writes.poll();
        if (page != null) {
          return () -> write(table, page);
        }
        if (closed) {
          return null;
        }
        changed.await();
      }
    } catch (InterruptedException e) {
      return null; // only close() does that
    } finally {
      lock.unlock();
    }
  }

  private void write(PageTable table, Page page) {
    try (page) {
      for (int i = 0; i < page.headCount(); i++) {
        if (table.put(new PageKey(page.name(), page.firstHead() + i), page.head(i))) {
          storedPages.incrementAndGet();
        }
      }
    } finally {
      leaveQueue(page.content().byteSize());
    }
  }

  private void leaveQueue(long bytes) {
    lock.lock();
    try {
      queuedBytes -= bytes;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Tells that the pages of a text are in use. The first ones go last, as those after them are of
   * no use without them.
   */
  public void touch(List<PageName> names, int firstHead, int headCount) {
    PageTable table = tableOrNull();
    for (int page = names.size() - 1; table != null && page >= 0; page--) {
      for (int i = 0; i < headCount; i++) {
        table.touch(new PageKey(names.get(page), firstHead + i));
      }
    }
  }

  private @Nullable PageTable tableOrNull() {
    return opened.isCompletedExceptionally() ? null : opened.getNow(null);
  }

  /**
   * How many of the first pages are there for all heads of a rank, as far as is known without
   * reading them. While the store is being opened it waits, once.
   *
   * @param deadlineNs of {@link System#nanoTime}
   */
  public int countHeld(List<PageName> names, int firstHead, int headCount, long deadlineNs) {
    PageTable table = awaitTable(deadlineNs);
    int count = 0;
    while (table != null
        && count < names.size()
        && hasAll(table, names.get(count), firstHead, headCount)) {
      count++;
    }
    return count;
  }

  private static boolean hasAll(PageTable table, PageName name, int firstHead, int headCount) {
    for (int i = 0; i < headCount; i++) {
      if (!table.has(new PageKey(name, firstHead + i))) {
        return false;
      }
    }
    return true;
  }

  private @Nullable PageTable awaitTable(long deadlineNs) {
    try {
      if (opened.isDone() || !waitedForOpening) {
        return opened.get(Math.max(0, deadlineNs - System.nanoTime()), TimeUnit.NANOSECONDS);
      }
    } catch (ExecutionException e) {
      return null; // the log has it
    } catch (TimeoutException e) {
      waitedForOpening = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return null;
  }

  /**
   * Starts to read a page.
   *
   * @param headBytes of the page of one head
   * @return completed with the page, which the caller closes, or with null if it is not there. The
   *     caller gives it up by cancelling it
   */
  public CompletableFuture<@Nullable Page> read(
      PageName name, int firstHead, int headCount, long headBytes) {
    CompletableFuture<@Nullable Page> result = new CompletableFuture<>();
    lock.lock();
    try {
      if (closed || opened.isCompletedExceptionally()) {
        result.complete(null);
      } else {
        reads.add(new Read(name, firstHead, headCount, headBytes, result));
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
    return result;
  }

  private void read(PageTable table, Read read) {
    if (read.result().isDone() || !hasAll(table, read.name(), read.firstHead(), read.headCount())) {
      read.result().complete(null);
      return;
    }
    Page page = Page.allocate(read.name(), read.firstHead(), read.headCount(), read.headBytes());
    boolean whole = true;
    for (int i = 0; whole && i < read.headCount(); i++) {
      whole = table.get(new PageKey(read.name(), read.firstHead() + i), page.head(i));
    }
    if (whole && read.result().complete(page)) {
      restoredPages.addAndGet(read.headCount());
    } else {
      page.close();
      read.result().complete(null);
    }
  }

  /**
   * Takes a page to be written, if the queue has room for it.
   *
   * @param headBytes of the page of one head
   * @param filler called at once, for each head
   * @return false if it may be offered again later
   */
  public boolean offer(PageName name, int firstHead, int headCount, long headBytes, Filler filler) {
    lock.lock();
    try {
      if (closed || opened.isCompletedExceptionally()) {
        return true; // nobody will ever want it
      }
      long bytes = headCount * headBytes;
      if (!writes.isEmpty() && queuedBytes + bytes > QUEUE_BYTES) {
        return false;
      }
      Page page = Page.allocate(name, firstHead, headCount, headBytes);
      for (int i = 0; i < headCount; i++) {
        filler.fill(i, page.head(i));
      }
      queuedBytes += bytes;
      writes.add(page);
      changed.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** What is kept, and what was done so far. */
  public KvStoreUse use() {
    PageTable table = tableOrNull();
    return new KvStoreUse(
        storedPages.get(), restoredPages.get(), table == null ? 0 : table.usedBytes());
  }

  /**
   * Writes what waits and closes the files, within a few seconds; what takes longer is given up.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      thread.join(CLOSE_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void discardAll() {
    lock.lock();
    try {
      closed = true;
      writes.forEach(Page::close);
      writes.clear();
      reads.forEach(read -> read.result().complete(null));
      reads.clear();
    } finally {
      lock.unlock();
    }
  }
}
