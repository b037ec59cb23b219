package org.kithlm.model.transformer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.pack.EmbeddingRows;
import org.kithlm.model.pack.EmbeddingTable;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.weight.ShardLayout;
import org.kithlm.model.weight.Tile;

/** All ranks of a plan in one JVM, a thread each, on the tiles of one mapped pack. */
final class TestCluster implements AutoCloseable {
  private static final int STEP_TIMEOUT_SECONDS = 120;

  private final ModelConfig config;
  private final EmbeddingTable embedding;
  private final EmbeddingRows embeddingRows;
  private final Arena arena = Arena.ofShared();
  private final ExecutorService threads;
  private final List<MappedWeights> weights = new ArrayList<>();
  private final List<KvCache> caches = new ArrayList<>();
  private final List<ForwardPass> passes = new ArrayList<>();
  private final ShardPlan plan;
  private final List<@Nullable LmHead> heads = new ArrayList<>(); // null for a rank without rows
  private final AtomicInteger sums = new AtomicInteger();
  private final AtomicInteger gathers = new AtomicInteger();
  private boolean sharesTokens;

  TestCluster(Pack pack, ShardPlan plan, int positionsMax, int tokensMax) throws IOException {
    this(pack, plan, KvType.F16, positionsMax, tokensMax, Workers.alone());
  }

  TestCluster(
      Pack pack, ShardPlan plan, KvType kvType, int positionsMax, int tokensMax, Workers workers)
      throws IOException {
    this(pack, plan, kvType, SumRounding.EXACT, positionsMax, tokensMax, workers);
  }

  TestCluster(
      Pack pack,
      ShardPlan plan,
      KvType kvType,
      SumRounding rounding,
      int positionsMax,
      int tokensMax,
      Workers workers)
      throws IOException {
    config = pack.config();
    this.plan = plan;
    embedding = pack.embedding();
    embeddingRows = pack.embeddingRows();
    threads = Executors.newFixedThreadPool(plan.worldSize());
    InMemoryAllreduce allreduce = new InMemoryAllreduce(plan.worldSize(), rounding);
    MemorySegment bytes;
    try (FileChannel channel = FileChannel.open(pack.path())) {
      bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
    for (int rank = 0; rank < plan.worldSize(); rank++) {
      RankShard shard = plan.shard(rank);
      List<Tile> tiles = pack.tiles(shard);
      weights.add(new MappedWeights(bytes, tiles, rank % 3 != 1)); // one streams, say
      caches.add(new KvCache(config, shard, kvType, positionsMax));
      ShardLayout layout = new ShardLayout(tiles, config.layerCount());
      passes.add(
          new ForwardPass(
              config,
              shard,
              layout,
              pack.vectors(),
              weights.get(rank),
              counted(rank, plan.worldSize() == 1 ? Allreduce.alone() : allreduce.port(rank)),
              caches.get(rank),
              workers,
              tokensMax,
              plan.worldSize() > 1));
      heads.add(
          shard.logitCount() == 0
              ? null
              : new LmHead(config, shard, layout, pack.vectors(), weights.get(rank), workers));
    }
  }

  /** Whether ranks share the tokens of a step where they can, instead of overlapping sums. */
  void shareTokens(boolean share) {
    sharesTokens = share;
  }

  /** Counts the root's collectives; sums that are begun are formed as late as may be. */
  private Allreduce counted(int rank, Allreduce allreduce) {
    return new Allreduce() {
      private Runnable begun = () -> {};

      @Override
      public void sum(int layer, Block block, double[] partial, float[] sum, int length) {
        if (rank == 0) {
          sums.incrementAndGet();
        }
        allreduce.sum(layer, block, partial, sum, length);
      }

      @Override
      public void gather(int layer, Block block, double[] partial, float[] sum, int[] ends) {
        if (rank == 0) {
          gathers.incrementAndGet();
        }
        allreduce.gather(layer, block, partial, sum, ends);
      }

      @Override
      public void begin(int layer, Block block, double[] partial, float[] sum, int length) {
        Arrays.fill(sum, Float.NaN);
        begun = () -> sum(layer, block, partial, sum, length);
      }

      @Override
      public void finish() {
        begun.run();
        begun = () -> {};
      }
    };
  }

  /** Sums over ranks so far. */
  int sums() {
    return sums.get();
  }

  /** Vectors collected so far of which each rank has formed a range. */
  int gathers() {
    return gathers.get();
  }

  /** Scaled embeddings [ids x hidden]. */
  float[] embeddings(int... ids) {
    float[] hidden = new float[ids.length * config.hiddenSize()];
    for (int t = 0; t < ids.length; t++) {
      embedding.row(ids[t], hidden, t * embeddingRows.wordsPerRow());
    }
    embeddingRows.expand(hidden, ids.length, config.embeddingScale());
    return hidden;
  }

  /** One step on all ranks; insists that all end with the same bits. */
  float[] step(float[] input, int startPosition) {
    int tokenCount = input.length / config.hiddenSize();
    return step(input, new StepRuns().addStem(startPosition, tokenCount));
  }

  /** One step on all ranks; insists that all end with the same bits. */
  float[] step(float[] input, StepRuns runs) {
    runs.overlapSums(!sharesTokens).shareTokens(sharesTokens);
    List<Future<float[]>> results = new ArrayList<>();
    for (int rank = 0; rank < passes.size(); rank++) {
      int r = rank;
      results.add(
          threads.submit(
              () -> {
                float[] hidden = input.clone();
                passes.get(r).forward(hidden, runs);
                weights.get(r).requireNothingHeld();
                return hidden;
              }));
    }
    float[] root = get(results.getFirst());
    for (int rank = 1; rank < results.size(); rank++) {
      assertArrayEquals(root, get(results.get(rank)), 0, "rank " + rank);
    }
    return root;
  }

  private static float[] get(Future<float[]> result) {
    try {
      return result.get(STEP_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  /** Feeds tokens in chunks and returns the logits after the last. */
  float[] logits(int[] ids, int startPosition, int chunk) {
    float[] last = {};
    for (int from = 0; from < ids.length; from += chunk) {
      int[] part = Arrays.copyOfRange(ids, from, Math.min(from + chunk, ids.length));
      boolean more = from + chunk < ids.length;
      StepRuns runs = new StepRuns().addStem(startPosition + from, part.length);
      last = step(embeddings(part), runs.wantLogits(more ? 0 : StepRuns.ALL_LOGITS));
      if (more) {
        rewind();
      }
    }
    StepRuns lastToken = new StepRuns().addStem(0, last.length / config.hiddenSize());
    return heads(last, lastToken)[0];
  }

  /** Takes a token of each run through one step; the logits after each. */
  float[][] logits(int[] ids, StepRuns runs) {
    return heads(step(embeddings(ids), runs), runs);
  }

  /** The logits of all ranks' rows, for each run. */
  private float[][] heads(float[] hidden, StepRuns runs) {
    float[][] logits = new float[runs.count()][config.vocabularySize()];
    for (int rank = 0; rank < heads.size(); rank++) {
      LmHead head = heads.get(rank);
      if (head != null) {
        RankShard shard = plan.shard(rank);
        int rows = shard.logitCount();
        float[] part = new float[runs.count() * rows];
        head.logits(hidden, runs, part);
        for (int run = 0; run < logits.length; run++) {
          System.arraycopy(part, run * rows, logits[run], shard.firstLogit(), rows);
        }
      }
    }
    rewind();
    return logits;
  }

  /** Ends the cycle, as after a chunk without logits. */
  void rewind() {
    weights.forEach(MappedWeights::rewind);
  }

  /**
   * Greedy continuation, with the margin (best minus second logit) of each step.
   *
   * @param promptLogits after the last token of the prompt
   */
  Generated generate(float[] promptLogits, int promptLength, int count) {
    int[] ids = new int[count];
    float[] margins = new float[count];
    float[] logits = promptLogits;
    for (int i = 0; i < count; i++) {
      int best = 0;
      for (int token = 1; token < logits.length; token++) {
        best = logits[token] > logits[best] ? token : best;
      }
      float second = Float.NEGATIVE_INFINITY;
      for (int token = 0; token < logits.length; token++) {
        second = token != best ? Math.max(second, logits[token]) : second;
      }
      ids[i] = best;
      margins[i] = logits[best] - second;
      if (i + 1 < count) {
        logits = logits(new int[] {best}, promptLength + i, 1);
      }
    }
    return new Generated(ids, margins);
  }

  /** Tokens and their margins. */
  record Generated(int[] ids, float[] margins) {}

  /** The cache of a rank. */
  KvCache cache(int rank) {
    return caches.get(rank);
  }

  /** The pass of a rank, for calls from the test's own thread. */
  ForwardPass pass(int rank) {
    return passes.get(rank);
  }

  @Override
  public void close() {
    threads.shutdownNow();
    caches.forEach(KvCache::close);
    arena.close();
  }
}
