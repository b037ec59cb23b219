package org.kithlm.model.transformer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Activation;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfig.Rope;
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
        config, new RankShard(0, 1, 0, 2, 0, kvHeads, 0, 8, true), type, positionsMax);
  }

  @Test
  void shouldGrowByBlocksOnly() {
    try (KvCache cache = cache(HEADS, POSITIONS_MAX)) {
      assertEquals(0, cache.allocatedBytes());
      cache.prepare(0, BLOCK);
      assertEquals(BLOCK_BYTES, cache.allocatedBytes());
      cache.commit(BLOCK);
      cache.prepare(BLOCK, 1);
      assertEquals(2 * BLOCK_BYTES, cache.allocatedBytes());
      cache.prepare(3, 1);
      assertEquals(2 * BLOCK_BYTES, cache.allocatedBytes());
    }
  }

  @Test
  void shouldCostNothingWithoutHeads() {
    try (KvCache cache = cache(0, POSITIONS_MAX)) {
      cache.prepare(0, POSITIONS_MAX);
      assertEquals(0, cache.allocatedBytes());
    }
  }

  @Test
  void shouldHoldWhatWasWrittenWhereItBelongs() {
    try (KvCache cache = cache(HEADS, POSITIONS_MAX)) {
      cache.prepare(0, POSITIONS_MAX);
      for (int layer = 0; layer < LAYERS; layer++) {
        for (int head = 0; head < HEADS; head++) {
          for (int position = 0; position < POSITIONS_MAX; position++) {
            float[] key = new float[HEAD_DIM + 1];
            float[] value = new float[HEAD_DIM + 2];
            for (int i = 0; i < HEAD_DIM; i++) {
              key[1 + i] = element(layer, head, position, i);
              value[2 + i] = -element(layer, head, position, i);
            }
            cache.write(layer, head, position, key, 1, value, 2);
          }
        }
      }
      int count = KvCache.TILE_POSITIONS;
      float[] keys = new float[HEAD_DIM * count];
      float[] values = new float[HEAD_DIM * count];
      for (int layer = 0; layer < LAYERS; layer++) {
        for (int head = 0; head < HEADS; head++) {
          for (int first = 0; first + count <= POSITIONS_MAX; first += count) {
            cache.readKeys(layer, head, first, keys);
            cache.readValues(layer, head, first, count, values, HEAD_DIM);
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
      cache.prepare(0, positions);
      for (int i = 0; i < HEADS * positions; i++) {
        int head = i % HEADS;
        cache.write(1, head, i / HEADS, written, 2 * i * headDim, written, (2 * i + 1) * headDim);
      }
      float[] keys = new float[headDim * KvCache.TILE_POSITIONS];
      int stride = headDim + 3;
      float[] value = new float[2 * stride];
      for (int i = 0; i < HEADS * positions; i++) {
        int head = i % HEADS;
        int inTile = i / HEADS % KvCache.TILE_POSITIONS;
        cache.readKeys(1, head, i / HEADS - inTile, keys);
        cache.readValues(1, head, i / HEADS, 1, value, stride);
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
      cache.prepare(0, 1);
      cache.write(0, 0, 0, new float[32], 0, new float[32], 0);
      float[] value = new float[32];
      value[5] = 1;
      cache.readValues(0, 0, 0, 1, value, 32);
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
      cache.prepare(0, 10);
      cache.commit(10);
      assertRefused("startPosition=11 would leave a gap: the cache holds 10", cache, 11, 1);
      assertRefused("startPosition=-1", cache, -1, 1);
      assertRefused("exceeds the context of 600 positions", cache, 10, 591);
      assertEquals(10, cache.length());
      cache.prepare(10, 590);
      assertThrows(IllegalArgumentException.class, () -> cache(HEADS, 0));
    }
  }

  private static void assertRefused(String message, KvCache cache, int start, int count) {
    String actual =
        assertThrows(IllegalArgumentException.class, () -> cache.prepare(start, count)).toString();
    assertTrue(actual.contains(message), actual);
  }

  @Test
  void shouldEndAtTheStartOfAnAbortedStep() {
    try (KvCache cache = cache(HEADS, POSITIONS_MAX)) {
      cache.prepare(0, 10);
      cache.commit(10);
      cache.prepare(7, 5);
      assertEquals(7, cache.length());
    }
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
          assertThrows(IllegalStateException.class, () -> cache.prepare(0, 1)).toString();
      long bytes = (1L << 50) * BLOCK * 2 * Short.BYTES;
      assertTrue(message.contains("beyond position 0: " + bytes + " more bytes"), message);
      assertEquals(0, cache.length());
      assertEquals(0, cache.allocatedBytes());
    }
  }

  @Test
  void shouldFreeItsMemoryOnClose() {
    KvCache cache = cache(HEADS, POSITIONS_MAX);
    cache.prepare(0, 1);
    float[] keys = new float[HEAD_DIM * KvCache.TILE_POSITIONS];
    cache.readKeys(0, 0, 0, keys);
    cache.close();
    assertThrows(IllegalStateException.class, () -> cache.readKeys(0, 0, 0, keys));
  }
}
