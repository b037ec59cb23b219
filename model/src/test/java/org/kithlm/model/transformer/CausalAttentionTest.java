package org.kithlm.model.transformer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Activation;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfig.Rope;
import org.kithlm.model.kernel.Formulas;
import org.kithlm.model.kernel.WorkerPool;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;

/** Attention over a random cache against the formula, in any batches and on any threads. */
class CausalAttentionTest {
  private static final int POSITIONS = 3 * KvCache.BLOCK_POSITIONS + 17;
  private static final int LAYERS = 2; // the first local where there is a window, the other global
  private static final long SEED = 7;

  private static ModelConfig config(
      int heads, int kvHeads, int headDim, int slidingWindow, float softcap) {
    Rope rope = new Rope(headDim, 10_000, 10_000, 1, false);
    int pattern = slidingWindow == 0 ? 0 : LAYERS;
    return new ModelConfig(
        Architecture.LLAMA,
        LAYERS,
        8,
        8,
        heads,
        kvHeads,
        headDim,
        10,
        4096,
        1e-5f,
        rope,
        slidingWindow,
        pattern,
        1,
        softcap,
        0,
        1,
        Activation.SILU,
        true);
  }

  private static RankShard shard(int firstHead, int heads, int firstKvHead, int kvHeads) {
    return new RankShard(
        0, 1, firstHead, heads, firstKvHead, kvHeads, 0, 8, 0, 1, AttentionPlacement.SPLIT);
  }

  private static RankShard whole(ModelConfig config) {
    return shard(0, config.headCount(), 0, config.kvHeadCount());
  }

  private static float[] random(int length, float size, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = Float.float16ToFloat(Float.floatToFloat16(size * (float) random.nextGaussian()));
    }
    return values;
  }

  /** Exact in 8 bits, as each 32 have the same largest, and in 16. */
  private static float[] randomBytes(int length, int headDim, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      int q = i % headDim % 32 == 0 ? 127 : random.nextInt(-127, 128);
      values[i] = q / 64f;
    }
    return values;
  }

  /** What a step of a rank needs, and what it must give. */
  private static final class Fixture implements AutoCloseable {
    private final ModelConfig config;
    private final RankShard shard;
    private final KvCache cache;
    private final float[] keys;
    private final float[] values;
    private final float[] queries;

    Fixture(ModelConfig config, RankShard shard) {
      this(config, shard, KvType.F16);
    }

    Fixture(ModelConfig config, RankShard shard, KvType type) {
      this.config = config;
      this.shard = shard;
      cache = new KvCache(config, shard, type, POSITIONS);
      int stored = POSITIONS * shard.kvHeadCount() * config.headDim();
      boolean bytes = type == KvType.Q8;
      int headDim = config.headDim();
      keys = bytes ? randomBytes(stored, headDim, SEED) : random(stored, 1, SEED);
      values = bytes ? randomBytes(stored, headDim, SEED + 1) : random(stored, 1, SEED + 1);
      queries = random(POSITIONS * tokenLength(), 0.5f, SEED + 2);
      cache.prepare(new StepRuns().addStem(0, POSITIONS));
      for (int layer = 0; layer < LAYERS; layer++) {
        for (int head = 0; head < shard.kvHeadCount(); head++) {
          for (int position = 0; position < POSITIONS; position++) {
            int offset = stored(head, position);
            cache.write(StepRuns.STEM, layer, head, position, keys, offset, values, offset);
          }
        }
      }
    }

    int tokenLength() {
      return shard.headCount() * config.headDim();
    }

    private int stored(int kvHead, int position) {
      return (position * shard.kvHeadCount() + kvHead) * config.headDim();
    }

    /** Attends in steps of a number of tokens, the first of them shorter. */
    float[] attend(Workers workers, int layer, int stepTokens) {
      CausalAttention attention = new CausalAttention(config, shard, cache, workers);
      float[] out = new float[queries.length];
      int start = 0;
      int end = 1 + (POSITIONS - 1) % stepTokens;
      while (start < POSITIONS) {
        int from = start * tokenLength();
        float[] stepOut = new float[(end - start) * tokenLength()];
        Arrays.fill(stepOut, Float.NaN);
        float[] step = Arrays.copyOfRange(queries, from, end * tokenLength());
        attention.attend(layer, step, new StepRuns().addStem(start, end - start), stepOut);
        System.arraycopy(stepOut, 0, out, from, stepOut.length);
        start = end;
        end += stepTokens;
      }
      return out;
    }

    /** The formula, for one element of a head at a position. */
    double[] expected(int layer, int head, int position) {
      int kvHead =
          (shard.firstHead() + head) * config.kvHeadCount() / config.headCount()
              - shard.firstKvHead();
      boolean global = config.isGlobalLayer(layer);
      int first = global ? 0 : Math.max(0, position + 1 - config.slidingWindow());
      int query = position * tokenLength() + head * config.headDim();
      double[] scores = new double[position + 1 - first];
      for (int i = 0; i < scores.length; i++) {
        double score =
            Formulas.dot(queries, query, keys, stored(kvHead, first + i), config.headDim());
        float cap = config.attentionSoftcap();
        scores[i] = cap > 0 ? cap * Math.tanh(score / cap) : score;
      }
      double[] weights = Formulas.softmax(scores);
      double[] out = new double[config.headDim()];
      for (int i = 0; i < scores.length; i++) {
        for (int j = 0; j < out.length; j++) {
          out[j] += weights[i] * values[stored(kvHead, first + i) + j];
        }
      }
      return out;
    }

    void check(int layer, float[] actual) {
      double tolerance = 2e-7 * Math.max(100, config.headDim()); // scores are sums of so many terms
      for (int position = 0; position < POSITIONS; position++) {
        for (int head = 0; head < shard.headCount(); head++) {
          double[] expected = expected(layer, head, position);
          int offset = position * tokenLength() + head * config.headDim();
          for (int i = 0; i < expected.length; i++) {
            String what = "layer=" + layer + " position=" + position + " head=" + head;
            assertEquals(expected[i], actual[offset + i], tolerance, what);
          }
        }
      }
    }

    @Override
    public void close() {
      cache.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F16, 9, 3, 64, 0, 0",
    "F16, 12, 2, 128, 0, 0",
    "F16, 4, 1, 256, 100, 0",
    "F16, 2, 2, 20, 1, 0",
    "F16, 6, 2, 48, 200, 5",
    "F16, 20, 1, 16, 0, 0",
    "F16, 70, 1, 4, 150, 0",
    "Q8, 9, 3, 64, 0, 0",
    "Q8, 2, 2, 20, 1, 0"
  })
  void shouldFollowTheFormulaInAnyBatchesOnAnyThreads(
      KvType type, int heads, int kvHeads, int headDim, int window, float softcap) {
    ModelConfig config = config(heads, kvHeads, headDim, window, softcap);
    try (Fixture fixture = new Fixture(config, whole(config), type);
        Workers two = WorkerPool.of(2);
        Workers three = WorkerPool.of(3)) {
      for (int layer = 0; layer < LAYERS; layer++) {
        float[] together = fixture.attend(Workers.alone(), layer, POSITIONS);
        fixture.check(layer, together);
        for (int tokens : new int[] {1, 2, 5, 33, POSITIONS}) {
          for (Workers workers : new Workers[] {Workers.alone(), two, three}) {
            float[] steps = fixture.attend(workers, layer, tokens);
            String what = "tokens=" + tokens + " threads=" + workers.count();
            assertArrayEquals(together, steps, 0, what);
          }
        }
      }
    }
  }

  /** The first KV head is shared with the rank before, the last with the one after. */
  @Test
  void shouldAttendWithPartOfTheHeadsThatReadAKvHead() {
    ModelConfig config = config(12, 3, 16, 0, 0);
    try (Fixture fixture = new Fixture(config, shard(3, 6, 0, 3));
        Workers two = WorkerPool.of(2)) {
      float[] together = fixture.attend(two, 1, POSITIONS);
      fixture.check(1, together);
      assertArrayEquals(together, fixture.attend(two, 1, 1), 0);
    }
  }

  /** Neither does a token see those after it, nor what was there before the context was cut. */
  @Test
  void shouldNotSeeLaterPositions() {
    ModelConfig config = config(4, 2, 32, 0, 0);
    try (Fixture fixture = new Fixture(config, whole(config));
        Fixture other = new Fixture(config, whole(config))) {
      int cut = KvCache.BLOCK_POSITIONS + 40;
      float[] huge = new float[config.headDim()];
      Arrays.fill(huge, 60_000);
      for (int head = 0; head < 2; head++) {
        for (int position = cut; position < POSITIONS; position++) {
          other.cache.write(StepRuns.STEM, 0, head, position, huge, 0, huge, 0);
        }
      }
      int visible = cut * fixture.tokenLength();
      for (int tokens : new int[] {1, POSITIONS}) {
        float[] expected = fixture.attend(Workers.alone(), 0, tokens);
        float[] actual = other.attend(Workers.alone(), 0, tokens);
        assertArrayEquals(Arrays.copyOf(expected, visible), Arrays.copyOf(actual, visible), 0);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotAllocateAfterWarmUp(KvType type) {
    var memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    ModelConfig config = config(6, 2, 32, 0, 0);
    try (Fixture fixture = new Fixture(config, whole(config), type);
        Workers two = WorkerPool.of(2)) {
      CausalAttention attention = new CausalAttention(config, fixture.shard, fixture.cache, two);
      float[] out = fixture.queries.clone();
      for (int tokens : new int[] {1, 40}) {
        StepRuns runs = new StepRuns().addStem(POSITIONS - tokens, tokens);
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 50_000 && least > 0; i++) {
          long before = memory.getCurrentThreadAllocatedBytes();
          attention.attend(1, fixture.queries, runs, out);
          least = Math.min(least, memory.getCurrentThreadAllocatedBytes() - before);
        }
        assertEquals(0, least, "tokens=" + tokens);
      }
      assertTrue(Float.isFinite(out[0]));
    }
  }
}
