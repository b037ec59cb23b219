package org.kithlm.node.rank;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.kithlm.memory.TileStore;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.KernelWarmUp;
import org.kithlm.model.kernel.WorkerPool;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.pack.EmbeddingRows;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.transformer.Allreduce;
import org.kithlm.model.transformer.ForwardPass;
import org.kithlm.model.transformer.KvCache;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.kv.KvStore;
import org.kithlm.node.kv.PageName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The forward pass of a rank with its weights and clocks. Owned by the rank's thread but for {@link
 * #statistics}.
 */
final class RankCompute implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RankCompute.class);

  private final RankWeights weights;
  private final int maxTokens;
  private final TileWeights tiles;
  private final KvCache cache;
  private final @Nullable KvStore store;
  private final KvPages pages;
  private final Workers workers;
  private final Workers headWorkers;
  private final EmbeddingRows embeddingRows;
  private final ForwardPass pass;
  private final RankHead head;
  private RankHead.Gather gather = (run, vector, ends) -> {};
  private final AtomicLong forwardNs = new AtomicLong();
  private final RankSums sums;

  private RankCompute(
      RankWeights weights,
      ShardPlan plan,
      boolean overlaps,
      int maxTokens,
      KvCache cache,
      @Nullable KvStore store,
      Workers workers,
      Workers headWorkers) {
    this.weights = weights;
    this.maxTokens = maxTokens;
    this.sums = new RankSums(weights.shard().rank());
    this.tiles = new TileWeights(weights.store());
    this.cache = cache;
    this.store = store;
    this.pages =
        new KvPages(cache, weights.shard().firstKvHead(), weights.shard().worldSize(), store);
    this.workers = workers;
    this.headWorkers = headWorkers;
    this.head = new RankHead(weights, plan, tiles, headWorkers);
    this.embeddingRows = weights.pack().embeddingRows();
    this.pass =
        new ForwardPass(
            weights.pack().config(),
            weights.shard(),
            weights.layout(),
            weights.pack().vectors(),
            tiles,
            sums,
            cache,
            workers,
            maxTokens,
            overlaps);
  }

  /**
   * Takes weights over; they are closed also where this fails.
   *
   * @param store takes keys and values, null for none
   * @param threads for the arithmetic of the layers, the rank's own included
   * @param headThreads for the output head
   * @throws DoesNotFitException if the Java heap is too small
   */
  static RankCompute of(
      RankWeights weights,
      RankAssignment assignment,
      @Nullable KvStore store,
      int threads,
      int headThreads) {
    try {
      ModelConfig config = weights.pack().config();
      ShardPlan plan = RankWeights.planOf(weights.pack(), assignment);
      int maxTokens =
          StepSize.tokens(
              JavaHeap.here(),
              assignment.rank() == 0,
              weights.isResident(),
              weights.vectorBytes() + RankHead.heapBytes(plan, weights.shard(), config),
              ForwardPass.bytesPerToken(
                      config, weights.shard(), weights.elementTypes(), overlaps(assignment))
                  + (long) config.hiddenSize() * Float.BYTES, // the hidden states
              assignment.maxTokens());
      LOG.info("rank {}: steps of up to {} tokens", assignment.rank(), maxTokens);
      KernelWarmUp.run(weights.elementTypes());
      Workers workers = WorkerPool.of(threads);
      Workers headWorkers = headThreads == threads ? workers : WorkerPool.of(headThreads);
      try {
        return of(weights, plan, assignment, maxTokens, store, workers, headWorkers);
      } catch (RuntimeException | Error e) {
        headWorkers.close();
        workers.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  private static RankCompute of(
      RankWeights weights,
      ShardPlan plan,
      RankAssignment assignment,
      int maxTokens,
      @Nullable KvStore store,
      Workers workers,
      Workers headWorkers) {
    KvCache cache =
        new KvCache(
            weights.pack().config(),
            weights.shard(),
            assignment.kvType(),
            assignment.contextLength());
    try {
      return new RankCompute(
          weights, plan, overlaps(assignment), maxTokens, cache, store, workers, headWorkers);
    } catch (RuntimeException | Error e) {
      cache.close();
      throw e;
    }
  }

  /** Where all ranks are on one machine they share its cores, and there is no wire to wait for. */
  private static boolean overlaps(RankAssignment assignment) {
    return assignment.worldSize() > 1 && assignment.collective() != CollectiveChoice.SHARED_MEMORY;
  }

  /** Sums over ranks, and brings logits together, from now on. */
  void connect(Allreduce newCollective, RankHead.Gather newGather) {
    sums.connect(newCollective);
    gather = newGather;
  }

  RankWeights weights() {
    return weights;
  }

  TileWeights tiles() {
    return tiles;
  }

  /** Pages of the stem, which are kept on disk. */
  KvPages pages() {
    return pages;
  }

  /** {@link KvPages#restore} over all ranks. */
  int restore(int held, List<PageName> names) {
    return pages.restore(held, names, sums.collective());
  }

  /** Most tokens that a step of this rank may have. */
  int maxTokens() {
    return maxTokens;
  }

  /** Floats of the longest step. */
  int maxFloats() {
    return maxFloats(maxTokens);
  }

  /**
   * Floats of the longest vector in a step of so many tokens: hidden states and their places, or
   * the logits of the leaves.
   */
  int maxFloats(int tokens) {
    return Math.max(
        Math.multiplyExact(tokens, hiddenSize()) + RunFields.FLOATS_MAX, head.collectedMax());
  }

  int hiddenSize() {
    return weights.pack().config().hiddenSize();
  }

  /** How a step's tokens are told. */
  EmbeddingRows embeddingRows() {
    return embeddingRows;
  }

  /** Makes hidden states of the embedding rows of a step's tokens, in place. */
  void embed(float[] rows, int count) {
    embeddingRows.expand(rows, count, weights.pack().config().embeddingScale());
  }

  void forward(float[] hidden, StepRuns runs) {
    long start = System.nanoTime();
    for (int run = 0; run < runs.count(); run++) {
      if (runs.sequence(run) == StepRuns.STEM) {
        pages.truncate(runs.startPosition(run));
      }
    }
    pass.forward(hidden, runs);
    pages.save();
    addForwardNs(System.nanoTime() - start);
  }

  /**
   * Ends a step, after {@link #forward}: has the logits that are wanted come to the root.
   *
   * @param logits replaced on the root, unless none are wanted; [runs x vocabulary]
   */
  void logits(float[] hidden, StepRuns runs, float[] logits) {
    if (runs.wantedLogits() == 0) {
      tiles.rewind();
      return;
    }
    long start = System.nanoTime();
    head.logits(hidden, runs, this::gather, logits);
    addForwardNs(System.nanoTime() - start);
  }

  private void gather(int run, float[] vector, int[] ends) {
    long start = System.nanoTime();
    gather.gather(run, vector, ends);
    sums.addWaitedNs(System.nanoTime() - start);
  }

  private void addForwardNs(long ns) {
    forwardNs.addAndGet(ns);
  }

  RankStatistics statistics() {
    TileStore store = weights.store();
    double collectiveMs = sums.waitedNs() / 1e6;
    double diskWaitMs = store.waitNs() / 1e6;
    RecentTimes.Sorted recentSums = sums.durations();
    return new RankStatistics(
        ProcessHandle.current().pid(),
        ResidentSet.bytes(),
        ResidentSet.peakBytes(),
        store.residentBytes(),
        store.streamedBytes(),
        Math.max(0, forwardNs.get() / 1e6 - collectiveMs - diskWaitMs),
        collectiveMs,
        diskWaitMs,
        recentSums.percentileMs(50),
        recentSums.percentileMs(99),
        0,
        this.store == null ? null : this.store.use());
  }

  @Override
  public void close() {
    sums.close();
    headWorkers.close();
    workers.close();
    cache.close();
    weights.close();
  }
}
