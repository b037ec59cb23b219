package org.kithlm.model.transformer;

import java.util.Random;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Activation;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfig.Rope;
import org.kithlm.model.kernel.KernelBenchmark;
import org.kithlm.model.kernel.WorkerPool;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** Attention of one layer over a filled cache: decoding, and a part of a prompt. */
@SuppressWarnings("NullAway.Init") // JMH does that
public class AttentionBenchmark extends KernelBenchmark {
  private static final int CONTEXT_MAX = 4096;

  /** Query heads x KV heads x elements of a head: as in SmolLM2, Qwen2.5-1.5B and Gemma 3 270M. */
  @Param({"9x3x64", "12x2x128", "4x1x256"})
  public String heads;

  /** How the cache keeps its elements. */
  @Param({"F16", "Q8"})
  public KvType type;

  /** Positions in the cache, those of the step included. */
  @Param({"128", "2048"})
  public int context;

  /** Tokens of the step. */
  @Param({"1", "64"})
  public int tokens;

  /** Threads that share it. */
  @Param("1")
  public int threads;

  private Workers workers;
  private KvCache cache;
  private CausalAttention attention;
  private StepRuns step;
  private float[] queries;
  private float[] out;

  /** Fills a cache with random numbers. */
  @Setup
  public void prepare() {
    String[] counts = heads.split("x", -1);
    int headCount = Integer.parseInt(counts[0]);
    int kvHeads = Integer.parseInt(counts[1]);
    int headDim = Integer.parseInt(counts[2]);
    ModelConfig config = config(headCount, kvHeads, headDim);
    RankShard shard =
        new RankShard(0, 1, 0, headCount, 0, kvHeads, 0, 8, 0, 1, AttentionPlacement.SPLIT);
    workers = WorkerPool.of(threads);
    cache = new KvCache(config, shard, type, context);
    cache.prepare(new StepRuns().addStem(0, context));
    float[] keys = random(headDim);
    for (int head = 0; head < kvHeads; head++) {
      for (int position = 0; position < context; position++) {
        cache.write(StepRuns.STEM, 0, head, position, keys, 0, keys, 0);
      }
    }
    attention = new CausalAttention(config, shard, cache, workers);
    step = new StepRuns().addStem(context - tokens, tokens);
    queries = random(tokens * headCount * headDim);
    out = new float[queries.length];
  }

  private static ModelConfig config(int headCount, int kvHeads, int headDim) {
    return new ModelConfig(
        Architecture.LLAMA,
        1,
        8,
        8,
        headCount,
        kvHeads,
        headDim,
        10,
        CONTEXT_MAX,
        1e-5f,
        new Rope(headDim, 10_000, 10_000, 1, false),
        0,
        0,
        1,
        0,
        0,
        1,
        Activation.SILU,
        true);
  }

  private static float[] random(int length) {
    Random random = new Random(1);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian() / 8;
    }
    return values;
  }

  /** The last tokens of the context attend to all before them. */
  @Benchmark
  public float[] attend() {
    attention.attend(0, queries, step, out);
    return out;
  }

  /** Ends the threads. */
  @TearDown
  public void close() {
    cache.close();
    workers.close();
  }
}
