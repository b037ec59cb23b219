package org.kithlm.node.rank;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.transformer.Allreduce;
import org.kithlm.model.transformer.KvCache;
import org.kithlm.node.kv.KvStore;
import org.kithlm.node.kv.PageName;

/**
 * The pages of the stem of one rank: copies full ones to the node's store, and takes them from
 * there in the place of running their tokens. All ranks do the same with the same names; what one
 * of them lacks none takes. Owned by the rank's thread.
 */
final class KvPages {
  /** For the pages of one message; what has not come by then is run. */
  private static final long READ_NS = TimeUnit.SECONDS.toNanos(3);

  /** So that the disk reads while a page is copied. */
  private static final int READS_AHEAD = 2;

  private final KvCache cache;
  private final int firstHead;
  private final int worldSize;
  private final @Nullable KvStore store;
  private final List<PageName> names = new ArrayList<>(); // of the stem, from its start
  private int saved; // of these

  /**
   * Pages of a rank.
   *
   * @param firstHead number in the model of the rank's first KV head
   * @param store null where the node keeps nothing
   */
  KvPages(KvCache cache, int firstHead, int worldSize, @Nullable KvStore store) {
    this.cache = cache;
    this.firstHead = firstHead;
    this.worldSize = worldSize;
    this.store = store;
  }

  /** How many pages of the stem have names, from its start. */
  int known() {
    return names.size();
  }

  /** Whether pages wait until the store has room. */
  boolean isBehind() {
    return saved < names.size();
  }

  /** Forgets what does not end before a position: it is run anew. */
  void truncate(int position) {
    forgetFrom(position / KvCache.PAGE_POSITIONS);
  }

  private void forgetFrom(int page) {
    if (page < names.size()) {
      names.subList(page, names.size()).clear();
      saved = Math.min(saved, page);
    }
  }

  /**
   * Names pages that are to be kept. A rank that has missed those before ignores them.
   *
   * @param firstPage number of the first in the stem
   */
  void keep(int firstPage, List<PageName> more) {
    if (store == null || firstPage > names.size()) {
      return;
    }
    forgetFrom(firstPage);
    names.addAll(more);
    store.touch(names, firstHead, cache.headCount());
    save();
  }

  /** Hands pages to the store, as far as it has room; it never waits. */
  void save() {
    while (store != null
        && isBehind()
        && PageFields.tokens(saved + 1) <= cache.length()
        && offer(store, saved)) {
      saved++;
    }
  }

  private boolean offer(KvStore to, int page) {
    return cache.headCount() == 0
        || to.offer(
            names.get(page),
            firstHead,
            cache.headCount(),
            cache.pageBytes(),
            (head, out) -> cache.copyPage(head, page, out));
  }

  /** How many of the first pages this rank has on disk, as far as it knows without reading. */
  int countHeld(List<PageName> wanted) {
    return store == null
        ? 0
        : store.countHeld(wanted, firstHead, cache.headCount(), System.nanoTime() + READ_NS);
  }

  /**
   * Takes pages from disk, as many of the first ones as all ranks have.
   *
   * @param held positions of the stem that stay as they are
   * @param wanted the page that holds position {@code held}, and those after it
   * @param collective of the step that stands for this
   * @return positions of the stem that are filled now
   */
  int restore(int held, List<PageName> wanted, Allreduce collective) {
    int firstPage = held / KvCache.PAGE_POSITIONS;
    cache.beginPages(held, PageFields.tokens(firstPage + wanted.size()));
    truncate(held);
    double[] read = new double[wanted.size()];
    float[] ranks = new float[wanted.size()];
    Arrays.fill(read, 0, store == null ? 0 : read(store, firstPage, wanted), 1);
    collective.sum(0, Allreduce.Block.ATTENTION, read, ranks, read.length);
    int common = 0;
    while (common < ranks.length && Math.round(ranks[common]) == worldSize) {
      common++;
    }
    int filled = Math.max(held, PageFields.tokens(firstPage + common));
    cache.endPages(filled);
    if (store != null && names.size() == firstPage) {
      boolean behind = isBehind();
      names.addAll(wanted.subList(0, common));
      saved = behind ? saved : names.size();
      store.touch(names, firstHead, cache.headCount());
    }
    return filled;
  }

  /** Puts pages into the cache; returns how many are there and came in time. */
  private int read(KvStore from, int firstPage, List<PageName> all) {
    if (cache.headCount() == 0) {
      return all.size();
    }
    long deadlineNs = System.nanoTime() + READ_NS;
    List<PageName> wanted =
        all.subList(0, from.countHeld(all, firstHead, cache.headCount(), deadlineNs));
    ArrayDeque<CompletableFuture<KvStore.@Nullable Page>> reads = new ArrayDeque<>();
    int asked = 0;
    int count = 0;
    try {
      while (count < wanted.size()) {
        while (asked < wanted.size() && reads.size() < READS_AHEAD) {
          reads.add(
              from.read(wanted.get(asked++), firstHead, cache.headCount(), cache.pageBytes()));
        }
        if (!put(firstPage + count, reads.remove(), deadlineNs)) {
          return count;
        }
        count++;
      }
      return count;
    } finally {
      reads.forEach(KvPages::giveUp);
    }
  }

  private boolean put(int page, CompletableFuture<KvStore.@Nullable Page> read, long deadlineNs) {
    try (KvStore.Page content =
        read.get(Math.max(0, deadlineNs - System.nanoTime()), TimeUnit.NANOSECONDS)) {
      if (content == null) {
        return false;
      }
      for (int head = 0; head < cache.headCount(); head++) {
        cache.putPage(head, page, content.head(head));
      }
      return true;
    } catch (TimeoutException e) {
      giveUp(read);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      giveUp(read);
    } catch (ExecutionException e) {
      // the store has logged why
    }
    return false;
  }

  private static void giveUp(CompletableFuture<KvStore.@Nullable Page> read) {
    if (!read.cancel(false)) {
      KvStore.Page late = read.getNow(null);
      if (late != null) {
        late.close();
      }
    }
  }
}
