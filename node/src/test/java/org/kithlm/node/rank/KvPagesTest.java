package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Activation;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfig.Rope;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.transformer.Allreduce;
import org.kithlm.model.transformer.KvCache;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.kv.KvStore;
import org.kithlm.node.kv.KvStorePlace;
import org.kithlm.node.kv.PageName;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class KvPagesTest {
  private static final int PAGE = KvCache.PAGE_POSITIONS;
  private static final int HEADS = 2;
  private static final int FIRST_HEAD = 1;
  private static final int PAGES = 6;

  @TempDir Path folder;

  private final Random random = new Random(2);
  private final List<PageName> names =
      IntStream.range(0, PAGES)
          .mapToObj(i -> new PageName(random.nextLong(), random.nextLong()))
          .toList();
  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void free() {
    arena.close();
  }

  private static KvCache cache() {
    Rope rope = new Rope(32, 10_000, 10_000, 1, false);
    ModelConfig config =
        new ModelConfig(
            Architecture.LLAMA,
            3,
            64,
            64,
            4,
            4,
            32,
            10,
            4096,
            1e-5f,
            rope,
            0,
            0,
            1,
            0,
            0,
            1,
            Activation.SILU,
            true);
    RankShard shard =
        new RankShard(
            0, 1, FIRST_HEAD, HEADS, FIRST_HEAD, HEADS, 0, 64, 0, 1, AttentionPlacement.SPLIT);
    return new KvCache(config, shard, KvType.F16, 1000);
  }

  /** An open one: what is asked of it before that may go unanswered. */
  private KvStore store() {
    KvStore store = new KvStore(new KvStorePlace(folder, 4 << 20));
    store.countHeld(names, FIRST_HEAD, HEADS, System.nanoTime() + TimeUnit.SECONDS.toNanos(40));
    return store;
  }

  /** Fills the stem with made-up pages, up to a position within the last of them. */
  private void fill(KvCache cache, int length) {
    int pages = Math.ceilDiv(length, PAGE);
    cache.beginPages(0, pages * PAGE);
    for (int page = 0; page < pages; page++) {
      for (int head = 0; head < HEADS; head++) {
        cache.putPage(head, page, content(cache, page, head));
      }
    }
    cache.endPages(length);
  }

  private MemorySegment content(KvCache cache, int page, int head) {
    MemorySegment content = arena.allocate(cache.pageBytes());
    Random bits = new Random(10L * page + head);
    for (long i = 0; i < content.byteSize(); i++) {
      content.set(ValueLayout.JAVA_BYTE, i, (byte) bits.nextInt());
    }
    return content;
  }

  private void assertFilled(KvCache cache, int pages) {
    MemorySegment found = arena.allocate(cache.pageBytes());
    for (int page = 0; page < pages; page++) {
      for (int head = 0; head < HEADS; head++) {
        cache.copyPage(head, page, found);
        assertEquals(-1, found.mismatch(content(cache, page, head)), "page " + page);
      }
    }
  }

  /** All full pages of a text of so many tokens, by a rank that has run it. */
  private void keep(int length) {
    try (KvStore store = store();
        KvCache cache = cache()) {
      KvPages pages = new KvPages(cache, FIRST_HEAD, 1, store);
      fill(cache, length);
      pages.keep(0, names.subList(0, length / PAGE));
      assertFalse(pages.isBehind());
    }
  }

  @Test
  void shouldTakeWhatWasKept() {
    keep(4 * PAGE + 10);
    try (KvStore store = store();
        KvCache cache = cache()) {
      KvPages pages = new KvPages(cache, FIRST_HEAD, 1, store);
      assertEquals(4, pages.countHeld(names));
      assertEquals(4 * PAGE, pages.restore(0, names.subList(0, 4), Allreduce.alone()));
      assertEquals(4 * PAGE, cache.length());
      assertEquals(4, pages.known());
      assertFalse(pages.isBehind());
      assertFilled(cache, 4);
    }
  }

  @Test
  void shouldGoOnWithinThePageThatIsHeldInPart() {
    keep(4 * PAGE);
    try (KvStore store = store();
        KvCache cache = cache()) {
      KvPages pages = new KvPages(cache, FIRST_HEAD, 1, store);
      assertEquals(4, pages.countHeld(names));
      fill(cache, PAGE + 20);
      assertEquals(4 * PAGE, pages.restore(PAGE + 20, names.subList(1, 4), Allreduce.alone()));
      assertFilled(cache, 4);
      assertEquals(0, pages.known(), "the first page was never named");
    }
  }

  @Test
  void shouldTakeNoMoreThanAllRanksHave() {
    keep(4 * PAGE);
    try (KvStore store = store();
        KvCache cache = cache()) {
      KvPages pages = new KvPages(cache, FIRST_HEAD, 2, store);
      assertEquals(4, pages.countHeld(names));
      Allreduce withOneThatHasTwo =
          (layer, block, partial, sum, length) -> {
            for (int i = 0; i < length; i++) {
              sum[i] = (float) partial[i] + (i < 2 ? 1 : 0);
            }
          };
      assertEquals(2 * PAGE, pages.restore(0, names.subList(0, 4), withOneThatHasTwo));
      assertEquals(2 * PAGE, cache.length());
      assertFilled(cache, 2);
      Allreduce withOneThatHasNone =
          (layer, block, partial, sum, length) -> {
            for (int i = 0; i < length; i++) {
              sum[i] = (float) partial[i];
            }
          };
      assertEquals(2 * PAGE, pages.restore(2 * PAGE, names.subList(2, 4), withOneThatHasNone));
      assertEquals(2 * PAGE, cache.length());
      assertFilled(cache, 2);
    }
  }

  @Test
  void shouldTellThatItHasNothingWithoutADisk() {
    try (KvCache cache = cache()) {
      KvPages pages = new KvPages(cache, FIRST_HEAD, 1, null);
      fill(cache, PAGE);
      pages.keep(0, names.subList(0, 1));
      assertEquals(0, pages.known());
      assertEquals(0, pages.countHeld(names));
      assertEquals(0, pages.restore(0, names.subList(0, 2), Allreduce.alone()));
    }
  }

  @Test
  void shouldForgetPagesThatAreRunAnew() {
    try (KvStore store = store();
        KvCache cache = cache()) {
      KvPages pages = new KvPages(cache, FIRST_HEAD, 1, store);
      fill(cache, 4 * PAGE);
      pages.keep(0, names.subList(0, 3));
      pages.truncate(2 * PAGE - 1);
      assertEquals(1, pages.known());
      pages.keep(2, names.subList(2, 3));
      assertEquals(1, pages.known(), "the page between is not known");
      pages.keep(1, names.subList(3, 5)); // of another text
      assertEquals(3, pages.known());
    }
  }

  @Test
  void shouldWaitUntilAPageIsFilled() {
    try (KvStore store = store();
        KvCache cache = cache()) {
      KvPages pages = new KvPages(cache, FIRST_HEAD, 1, store);
      fill(cache, 2 * PAGE - 1);
      pages.keep(0, names.subList(0, 2));
      assertTrue(pages.isBehind());
      fill(cache, 2 * PAGE);
      pages.save();
      assertFalse(pages.isBehind());
    }
  }
}
