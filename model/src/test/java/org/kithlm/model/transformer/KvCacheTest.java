package org.kithlm.model.transformer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Activation;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfig.Rope;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;

class KvCacheTest {
  private static final int LAYERS = 3;
  private static final int HEADS = 2;
  private static final int HEAD_DIM = 4;
  private static final int POSITIONS_MAX = 600;
  private static final int BLOCK = KvCache.BLOCK_POSITIONS;
  private static final long BLOCK_BYTES =
      (long) LAYERS * HEADS * HEAD_DIM * BLOCK * 2 * Short.BYTES;

  private static KvCache cache(int kvHeads, int positionsMax) {
    return cache(kvHeads, HEAD_DIM, positionsMax);
  }

  private static KvCache cache(int kvHeads, int headDim, int positionsMax) {
    return cache(kvHeads, headDim, KvType.F16, positionsMax);
  }

  private static KvCache cache(int kvHeads, int headDim, KvType type, int positionsMax) {
    Rope rope = new Rope(HEAD_DIM, 10_000, 10_000, 1, false);
    ModelConfig config =
        new ModelConfig(
            Architecture.LLAMA,
            LAYERS,
            8,
            8,
            2,
            HEADS,
            headDim,
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
    return new KvCache(
        config,
        new RankShard(0, 1, 0, 2, 0, kvHeads, 0, 8, 0, 1, AttentionPlacement.SPLIT),
        type,
        positionsMax);
  }

  private static StepRuns stem(int startPosition, int count) {
    return new StepRuns().addStem(startPosition, count);
  }

  @Test
  void shouldGrowByBlocksOnly() {
    try (KvCache cache = cache(HEADS, POSITIONS_MAX)) {
      assertEquals(0, cache.allocatedBytes());
      cache.prepare(stem(0, BLOCK));
      assertEquals(BLOCK_BYTES, cache.allocatedBytes());
      cache.commit(stem(0, BLOCK));
      cache.prepare(stem(BLOCK, 1));
      assertEquals(2 * BLOCK_BYTES, cache.allocatedBytes());
      cache.prepare(stem(3, 1));
      assertEquals(2 * BLOCK_BYTES, cache.allocatedBytes());
    }
  }

  @Test
  void shouldCostNothingWithoutHeads() {
    try (KvCache cache = cache(0, POSITIONS_MAX)) {
      cache.prepare(stem(0, POSITIONS_MAX));
      assertEquals(0, cache.allocatedBytes());
    }
  }

  @Test
  void shouldHoldWhatWasWrittenWhereItBelongs() {
    try (KvCache cache = cache(HEADS, POSITIONS_MAX)) {
      cache.prepare(stem(0, POSITIONS_MAX));
      for (int layer = 0; layer < LAYERS; layer++) {
        for (int head = 0; head < HEADS; head++) {
          for (int position = 0; position < POSITIONS_MAX; position++) {
            float[] key = new float[HEAD_DIM + 1];
            float[] value = new float[HEAD_DIM + 2];
            for (int i = 0; i < HEAD_DIM; i++) {
              key[1 + i] = element(layer, head, position, i);
              value[2 + i] = -element(layer, head, position, i);
            }
            cache.write(StepRuns.STEM, layer, head, position, key, 1, value, 2);
          }
        }
      }
      int count = KvCache.TILE_POSITIONS;
      float[] keys = new float[HEAD_DIM * count];
      float[] values = new float[HEAD_DIM * count];
      for (int layer = 0; layer < LAYERS; layer++) {
        for (int head = 0; head < HEADS; head++) {
          for (int first = 0; first + count <= POSITIONS_MAX; first += count) {
            cache.readKeys(StepRuns.STEM, layer, head, first, keys);
            cache.readValues(StepRuns.STEM, layer, head, first, count, values, HEAD_DIM);
            for (int p = 0; p < count; p++) {
              for (int i = 0; i < HEAD_DIM; i++) {
                float expected = element(layer, head, first + p, i);
                assertEquals(expected, keys[i * count + p]);
                assertEquals(-expected, values[p * HEAD_DIM + i]);
              }
            }
          }
        }
      }
    }
  }

  /** Each block of 32 elements has a step of its own, whatever its neighbours hold. */
  @ParameterizedTest
  @ValueSource(ints = {4, 20, 32, 48, 128})
  void shouldRoundToHalfAStepInEightBits(int headDim) {
    int positions = BLOCK + 7;
    Random random = new Random(headDim);
    float[] written = new float[2 * HEADS * positions * headDim];
    for (int i = 0; i < written.length; i++) {
      float size = 1 << (i / 32 % 11);
      written[i] = size * (float) random.nextGaussian();
    }
    try (KvCache cache = cache(HEADS, headDim, KvType.Q8, positions)) {
      cache.prepare(stem(0, positions));
      for (int i = 0; i < HEADS * positions; i++) {
        int head = i % HEADS;
        cache.write(
            StepRuns.STEM,
            1,
            head,
            i / HEADS,
            written,
            2 * i * headDim,
            written,
            (2 * i + 1) * headDim);
      }
      float[] keys = new float[headDim * KvCache.TILE_POSITIONS];
      int stride = headDim + 3;
      float[] value = new float[2 * stride];
      for (int i = 0; i < HEADS * positions; i++) {
        int head = i % HEADS;
        int inTile = i / HEADS % KvCache.TILE_POSITIONS;
        cache.readKeys(StepRuns.STEM, 1, head, i / HEADS - inTile, keys);
        cache.readValues(StepRuns.STEM, 1, head, i / HEADS, 1, value, stride);
        for (int j = 0; j < headDim; j++) {
          assertNear(
              written, 2 * i * headDim, j, headDim, keys[j * KvCache.TILE_POSITIONS + inTile]);
          assertNear(written, (2 * i + 1) * headDim, j, headDim, value[j]);
        }
      }
    }
  }

  private static void assertNear(float[] written, int offset, int i, int headDim, float actual) {
    float largest = 0;
    int first = i - i % 32;
    for (int j = first; j < Math.min(first + 32, headDim); j++) {
      largest = Math.max(largest, Math.abs(written[offset + j]));
    }
    assertEquals(written[offset + i], actual, largest / 127 * 0.5001, "element " + i);
  }

  @Test
  void shouldHoldZerosInEightBits() {
    try (KvCache cache = cache(1, 32, KvType.Q8, 1)) {
      cache.prepare(stem(0, 1));
      cache.write(StepRuns.STEM, 0, 0, 0, new float[32], 0, new float[32], 0);
      float[] value = new float[32];
      value[5] = 1;
      cache.readValues(StepRuns.STEM, 0, 0, 0, 1, value, 32);
      assertArrayEquals(new float[32], value, 0);
    }
  }

  /** Distinct within a layer, and exact in 16 bits. */
  private static float element(int layer, int head, int position, int i) {
    int index = (position * HEADS + head) * HEAD_DIM + i;
    return Float.float16ToFloat((short) (0x0400 + index + layer));
  }

  @Test
  void shouldRefuseGapsAndExcess() {
    try (KvCache cache = cache(HEADS, POSITIONS_MAX)) {
      cache.prepare(stem(0, 10));
      cache.commit(stem(0, 10));
      assertRefused("startPosition=11 would leave a gap: the cache holds 10", cache, 11, 1);
      assertRefused("exceeds the context of 600 positions", cache, 10, 591);
      assertEquals(10, cache.length());
      cache.prepare(stem(10, 590));
      assertThrows(IllegalArgumentException.class, () -> cache(HEADS, 0));
    }
  }

  private static void assertRefused(String message, KvCache cache, int start, int count) {
    String actual =
        assertThrows(IllegalArgumentException.class, () -> cache.prepare(stem(start, count)))
            .toString();
    assertTrue(actual.contains(message), actual);
  }

  @Test
  void shouldEndAtTheStartOfAnAbortedStep() {
    try (KvCache cache = cache(HEADS, POSITIONS_MAX)) {
      cache.prepare(stem(0, 10));
      cache.commit(stem(0, 10));
      cache.prepare(stem(7, 5));
      assertEquals(7, cache.length());
    }
  }

  /** A prompt of one block and a half, and texts behind it. */
  private static KvCache withPrompt(int positionsMax) {
    KvCache cache = cache(HEADS, positionsMax);
    StepRuns prompt = stem(0, 3 * BLOCK / 2);
    cache.prepare(prompt);
    cache.commit(prompt);
    return cache;
  }

  private static StepRuns branch(int sequence, int startPosition, int count) {
    return new StepRuns().add(sequence, 3 * BLOCK / 2, startPosition, count);
  }

  @Test
  void shouldShareFullBlocksOfThePromptAndCopyTheNext() {
    int stemLength = 3 * BLOCK / 2;
    try (KvCache cache = withPrompt(POSITIONS_MAX)) {
      float[] number = new float[HEAD_DIM];
      for (int position : new int[] {BLOCK - 1, stemLength - 1}) {
        number[0] = position;
        cache.write(StepRuns.STEM, 0, 0, position, number, 0, number, 0);
      }
      StepRuns both = branch(StepRuns.STEM, stemLength, 1).add(5, stemLength, stemLength, 1);
      cache.prepare(both);
      for (int sequence : new int[] {StepRuns.STEM, 5}) {
        number[0] = -1 - sequence;
        cache.write(sequence, 0, 0, stemLength, number, 0, number, 0);
      }
      cache.commit(both);

      assertEquals(3 * BLOCK_BYTES, cache.allocatedBytes());
      float[] value = new float[HEAD_DIM];
      for (int sequence : new int[] {StepRuns.STEM, 5}) {
        for (int position : new int[] {BLOCK - 1, stemLength - 1}) {
          cache.readValues(sequence, 0, 0, position, 1, value, HEAD_DIM);
          assertEquals(position, value[0]);
        }
        cache.readValues(sequence, 0, 0, stemLength, 1, value, HEAD_DIM);
        assertEquals(-1 - sequence, value[0]);
      }
    }
  }

  @Test
  void shouldHaveRoomForAllSequencesTogether() {
    int stemLength = 3 * BLOCK / 2;
    try (KvCache cache = withPrompt(4 * BLOCK)) {
      cache.prepare(branch(1, stemLength, 1));
      cache.prepare(branch(2, stemLength, 1));
      assertEquals(4 * BLOCK_BYTES, cache.allocatedBytes());
      StepRuns fifth = branch(3, stemLength, 1);
      String message =
          assertThrows(IllegalArgumentException.class, () -> cache.prepare(fifth)).toString();
      assertTrue(message.contains("together have room for 512 positions"), message);
      // A run of the stem that keeps no branch gives their blocks to whoever comes.
      cache.prepare(stem(stemLength, 5 * BLOCK / 2));
      assertEquals(4 * BLOCK_BYTES, cache.allocatedBytes());
      cache.prepare(stem(stemLength, 1)); // and what it takes no more itself
      cache.prepare(branch(3, stemLength, 1));
      cache.prepare(branch(4, stemLength, 1));
      assertEquals(4 * BLOCK_BYTES, cache.allocatedBytes());
    }
  }

  /** Of the background beside a chat, which goes on without it. */
  @Test
  void shouldDropBranchesOfAnotherPlace() {
    int stemLength = 3 * BLOCK / 2;
    try (KvCache cache = withPrompt(4 * BLOCK)) {
      cache.prepare(branch(2, stemLength, 1));
      cache.prepare(branch(3, stemLength, 1));
      StepRuns beside = new StepRuns().add(1, 0, 0, 2 * BLOCK); // in the place of both
      cache.prepare(beside);
      cache.commit(beside);
      assertEquals(stemLength, cache.length());
      cache.prepare(new StepRuns().add(1, 0, 2 * BLOCK - 1, 1));

      cache.prepare(stem(stemLength, 5 * BLOCK / 2)); // in its place
      assertEquals(4 * BLOCK_BYTES, cache.allocatedBytes());
    }
  }

  @Test
  void shouldRefuseBranchesThatLeaveAGap() {
    try (KvCache cache = withPrompt(POSITIONS_MAX)) {
      int stemLength = 3 * BLOCK / 2;
      StepRuns late = branch(1, stemLength + 1, 1);
      assertThrows(IllegalArgumentException.class, () -> cache.prepare(late));
      cache.prepare(stem(10, 1));
      cache.commit(stem(10, 1));
      StepRuns gone = branch(1, stemLength, 1);
      String message =
          assertThrows(IllegalArgumentException.class, () -> cache.prepare(gone)).toString();
      assertTrue(message.contains("the cache holds 11"), message);
    }
  }

  /** What the count says is what the cache takes. */
  @Test
  void shouldTakeTheBlocksThatAreCounted() {
    Random random = new Random(11);
    for (int i = 0; i < 200; i++) {
      int stemLength = 1 + random.nextInt(3 * BLOCK);
      int length = stemLength + 1 + random.nextInt(3 * BLOCK);
      int sequences = 2 + random.nextInt(StepRuns.MAX - 1);
      long counted = KvBlocks.of(stemLength, length, sequences);
      int positionsMax = (int) counted * BLOCK;
      try (KvCache cache = cache(HEADS, positionsMax)) {
        cache.prepare(stem(0, stemLength));
        cache.commit(stem(0, stemLength));
        StepRuns runs = new StepRuns();
        for (int sequence = 0; sequence < sequences; sequence++) {
          runs.add(sequence, stemLength, stemLength, length - stemLength);
        }
        cache.prepare(runs);
        String what = "stem=" + stemLength + " length=" + length + " sequences=" + sequences;
        assertEquals(counted * BLOCK_BYTES, cache.allocatedBytes(), what);
        int longest = KvBlocks.longest(stemLength, sequences, (int) counted);
        assertEquals(KvBlocks.of(length) * BLOCK, longest, what);
      }
    }
    assertEquals(0, KvBlocks.longest(2 * BLOCK + 1, 4, 5));
    assertEquals(0, KvBlocks.longest(2 * BLOCK, 4, 5));
  }

  @Test
  void shouldTellWhatAPositionTakes() {
    try (KvCache cache = cache(HEADS, POSITIONS_MAX)) {
      assertEquals(BLOCK_BYTES / BLOCK, cache.bytesPerPosition());
      assertEquals((long) LAYERS * HEADS * HEAD_DIM * 2 * Short.BYTES, cache.bytesPerPosition());
    }
  }

  /** More than any address space has. */
  @Test
  void shouldNameBytesAndPositionWhenMemoryIsRefused() {
    try (KvCache cache = cache(1 << 20, 1 << 30, POSITIONS_MAX)) {
      String message =
          assertThrows(IllegalStateException.class, () -> cache.prepare(stem(0, 1))).toString();
      long bytes = (1L << 50) * BLOCK * 2 * Short.BYTES;
      assertTrue(message.contains("beyond position 0: " + bytes + " more bytes"), message);
      assertEquals(0, cache.length());
      assertEquals(0, cache.allocatedBytes());
    }
  }

  @Test
  void shouldFreeItsMemoryOnClose() {
    KvCache cache = cache(HEADS, POSITIONS_MAX);
    cache.prepare(stem(0, 1));
    float[] keys = new float[HEAD_DIM * KvCache.TILE_POSITIONS];
    cache.readKeys(StepRuns.STEM, 0, 0, 0, keys);
    cache.close();
    assertThrows(IllegalStateException.class, () -> cache.readKeys(StepRuns.STEM, 0, 0, 0, keys));
  }

  @ParameterizedTest
  @ValueSource(strings = {"F16", "Q8"})
  void shouldCopyPagesBitForBitToAnotherRanksHead(String type) {
    int page = KvCache.PAGE_POSITIONS;
    int count = 3 * page + 5;
    try (KvCache from = cache(HEADS, 40, KvType.valueOf(type), POSITIONS_MAX);
        KvCache to = cache(1, 40, KvType.valueOf(type), POSITIONS_MAX);
        Arena arena = Arena.ofConfined()) {
      fill(from, 40, count, new Random(4));
      MemorySegment copy = arena.allocate(from.pageBytes());
      MemorySegment again = arena.allocate(from.pageBytes());

      to.beginPages(0, 3 * page);
      for (int i = 0; i < 3; i++) {
        from.copyPage(1, i, copy);
        to.putPage(0, i, copy);
      }
      to.endPages(2 * page); // the third was missing elsewhere
      assertEquals(2 * page, to.length());
      to.beginPages(2 * page, 3 * page);
      from.copyPage(1, 2, copy);
      to.putPage(0, 2, copy);
      to.endPages(3 * page);

      for (int i = 0; i < 3; i++) {
        from.copyPage(1, i, copy);
        to.copyPage(0, i, again);
        assertEquals(-1, copy.mismatch(again), "page " + i);
      }
      float[] values = new float[40];
      float[] expected = new float[40];
      for (int layer = 0; layer < LAYERS; layer++) {
        for (int position = 0; position < 3 * page; position++) {
          from.readValues(StepRuns.STEM, layer, 1, position, 1, expected, 40);
          to.readValues(StepRuns.STEM, layer, 0, position, 1, values, 40);
          assertArrayEquals(expected, values);
        }
      }
    }
  }

  @Test
  void shouldRefusePagesThatAreNotFilled() {
    int page = KvCache.PAGE_POSITIONS;
    try (KvCache cache = cache(HEADS, POSITIONS_MAX);
        Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(cache.pageBytes());
      fill(cache, HEAD_DIM, page - 1, new Random(5));
      assertThrows(IllegalArgumentException.class, () -> cache.copyPage(0, 0, copy));
      assertThrows(IllegalArgumentException.class, () -> cache.putPage(0, 0, copy));
      assertThrows(IllegalArgumentException.class, () -> cache.beginPages(page, 2 * page));
      cache.beginPages(page / 2, 2 * page);
      assertEquals(page / 2, cache.length());
      assertThrows(IllegalArgumentException.class, () -> cache.putPage(0, 2, copy));
      assertThrows(IllegalArgumentException.class, () -> cache.endPages(2 * page + 1));
    }
  }

  private static void fill(KvCache cache, int headDim, int count, Random random) {
    cache.prepare(stem(0, count));
    float[] vector = new float[headDim];
    for (int layer = 0; layer < LAYERS; layer++) {
      for (int head = 0; head < HEADS; head++) {
        for (int position = 0; position < count; position++) {
          for (int i = 0; i < headDim; i++) {
            vector[i] = (float) random.nextGaussian();
          }
          cache.write(StepRuns.STEM, layer, head, position, vector, 0, vector, 0);
        }
      }
    }
    cache.commit(stem(0, count));
  }
}
