package org.kithlm.node.rank;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.kithlm.memory.TileReadException;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.pack.EmbeddingTable;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.Allreduce;
import org.kithlm.model.transformer.ForwardPass;
import org.kithlm.model.transformer.KvCache;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.kv.PageName;
import org.kithlm.transport.DataPort;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.collective.RootSession;

/** Rank 0: embeds tokens, leads every step and ends it with the logits. */
public final class SessionRootRank implements RootRank {
  private static final long NO_STEP = -1;

  /** Of one message, so that an abort, or a slow disk, is not waited for any longer. */
  private static final int PAGES_MAX = 16;

  private final RankAssignment assignment;
  private final AtomicReference<@Nullable LinkCosts> links;
  private final @Nullable RootKvStore kept;
  private final RankCompute compute;
  private final ModelConfig config;
  private final EmbeddingTable embedding;
  private final DataPort port;
  private final int portNumber;
  private final int threads;
  private final float[] hidden;
  private final float[] logits;
  private float[] batchLogits = {}; // of a step with several runs
  private int maxTokens;
  private final StepRuns lastRuns = new StepRuns();
  private final AtomicLong step = new AtomicLong(NO_STEP);
  private volatile long abortedUpTo = NO_STEP;
  private volatile @Nullable RootSession session;
  private volatile @Nullable RuntimeException failure;

  /**
   * A loaded root. It takes the weights over, and closes them also where it cannot be made.
   *
   * @param host address that its data plane listens at
   * @param links what the root of the plan before measured, for a request that waits; then what
   *     this one does
   * @param kept takes keys and values, and names them; null for none
   * @param threads for the arithmetic of the layers, the rank's own included
   * @param headThreads for the output head where it is the root's alone, and ranks that share the
   *     machine wait meanwhile
   */
  public SessionRootRank(
      RankWeights weights,
      RankAssignment assignment,
      String host,
      AtomicReference<@Nullable LinkCosts> links,
      @Nullable RootKvStore kept,
      int threads,
      int headThreads) {
    this.assignment = assignment;
    this.links = links;
    this.kept = kept;
    this.threads = threads;
    this.compute =
        RankCompute.of(
            weights,
            assignment,
            kept == null ? null : kept.store(),
            threads,
            assignment.head() == HeadPlacement.ROOT ? headThreads : threads);
    this.config = weights.pack().config();
    this.maxTokens = compute.maxTokens();
    try {
      this.embedding = weights.pack().embedding();
      this.hidden = new float[compute.maxFloats()];
      this.logits = new float[config.vocabularySize()];
      this.port = DataPort.reserve(host, 0);
    } catch (RuntimeException | Error e) {
      compute.close();
      throw e;
    }
    this.portNumber = port.port();
  }

  @Override
  public int dataPort() {
    return portNumber;
  }

  @Override
  public CollectiveReport connect(List<NodeMessage.Peer> peers, Duration warmUp) {
    port.close();
    maxTokens = SessionConfigs.maxTokens(peers);
    connectTo(peers);
    if (warmUp.isPositive()) {
      warmUp(warmUp);
    }
    RootSession root = session;
    if (root == null) {
      return CollectiveReports.alone(assignment);
    }
    LinkCosts known = links.get();
    if (known == null || warmUp.isPositive()) {
      root.measureLinks();
      links.set(root.costs());
    } else {
      root.tellLinks(known);
    }
    return CollectiveReports.of(assignment, root, config.hiddenSize(), maxTokens);
  }

  private void warmUp(Duration timeout) {
    WarmUp steps = new WarmUp(this);
    if (compute.weights().isResident()) {
      steps.run(timeout);
    } else {
      steps.runOnce(timeout);
    }
  }

  private void connectTo(List<NodeMessage.Peer> peers) {
    if (peers.size() == 1) {
      Allreduce alone = Allreduce.alone();
      compute.connect(
          (layer, block, partial, sum, length) -> {
            checkAbort();
            alone.sum(layer, block, partial, sum, length);
          },
          (run, vector, ends) -> {});
      return;
    }
    RootSession root =
        new RootSession(SessionConfigs.of(assignment, peers, compute.maxFloats(maxTokens)));
    session = root;
    checkFailure();
    root.connect();
    compute.connect(new SessionSums(root::allreduce, root::allgather), root::gather);
  }

  @Override
  public int maxTokens() {
    return maxTokens;
  }

  @Override
  public void step(int[] tokens, int offset, StepRuns runs) {
    checkFailure();
    int count = runs.tokenCount();
    int words = compute.embeddingRows().wordsPerRow();
    for (int i = 0; i < count; i++) {
      embedding.row(tokens[offset + i], hidden, i * words);
    }
    long current = step.incrementAndGet();
    try {
      RootSession root = session;
      if (root != null) {
        choosePaths(root, runs);
        int length = RunFields.append(runs, hidden, count * words);
        root.beginStep(current, runs.startPosition(0), count, hidden, length);
      }
      compute.embed(hidden, count);
      compute.forward(hidden, runs);
      compute.logits(hidden, runs, stepLogits(runs.count()));
      endStep();
    } catch (TileReadException e) {
      compute.tiles().rewind();
      throw ofThisRank(e);
    } catch (RuntimeException e) {
      compute.tiles().rewind();
      throw e;
    }
    lastRuns.set(runs);
  }

  /**
   * Decides how a long step is computed. While datagrams are on their way devices can compute half
   * of it, at the price of reading weights twice. Where sums are work, devices that have all of
   * attention can share the tokens, for one more exchange; with threads to spare one of those can
   * form sums.
   */
  private void choosePaths(RootSession root, StepRuns runs) {
    boolean canOverlap = ForwardPass.canOverlap(runs);
    boolean canShare =
        assignment.attention() == AttentionPlacement.REPLICATED
            && ForwardPass.canShareTokens(runs, assignment.worldSize());
    boolean waiting =
        (canOverlap || canShare)
            && root.isMostlyWaiting(runs.tokenCount() / 2 * config.hiddenSize());
    runs.shareTokens(canShare && !waiting);
    runs.overlapSums(canOverlap && !runs.sharesTokens() && (waiting || threads > 1));
  }

  @Override
  public int restore(int[] tokens, int length, int held) {
    if (kept == null) {
      return held;
    }
    checkFailure();
    List<PageName> names =
        kept.names().names(assignment, tokens, (length - 1) / KvCache.PAGE_POSITIONS);
    int filled = held;
    while (true) {
      int first = filled / KvCache.PAGE_POSITIONS;
      int end = Math.min(names.size(), first + pagesMax());
      List<PageName> wanted = names.subList(first, Math.max(first, end));
      List<PageName> here = wanted.subList(0, compute.pages().countHeld(wanted));
      if (here.isEmpty()) {
        return filled;
      }
      int all = (first + here.size()) * KvCache.PAGE_POSITIONS;
      try {
        announce(PageFields.Verb.RESTORE, filled, here);
        filled = compute.restore(filled, here);
        endStep();
      } catch (StepAbortedException e) {
        return filled; // the next step tells it again, if it is of the same answer
      }
      if (filled < all) {
        return filled;
      }
    }
  }

  @Override
  public void keep(int[] tokens, int length) {
    int known = compute.pages().known();
    int full = length / KvCache.PAGE_POSITIONS;
    if (kept == null || full <= known) {
      return;
    }
    int end = Math.min(full, known + pagesMax());
    List<PageName> names = kept.names().names(assignment, tokens, end).subList(known, end);
    try {
      announce(PageFields.Verb.KEEP, known * KvCache.PAGE_POSITIONS, names);
      compute.pages().keep(known, names);
    } catch (StepAbortedException e) {
      // They are told again.
    }
  }

  /** From here on the step holds on all ranks; see {@link RootSession#endStep}. */
  private void endStep() {
    RootSession root = session;
    if (root != null) {
      root.endStep();
    }
  }

  private int pagesMax() {
    return Math.min(PAGES_MAX, PageFields.namesMax(compute.maxFloats(maxTokens)));
  }

  /** Begins a step that stands for something to be done with pages. */
  private void announce(PageFields.Verb verb, int position, List<PageName> names) {
    long current = step.incrementAndGet();
    RootSession root = session;
    if (root != null) {
      float[] message = PageFields.write(verb, names);
      int tokens = PageFields.tokens(names.size());
      root.beginStep(current, position, tokens, message, message.length);
    }
  }

  @Override
  public float[] logits(int run) {
    if (lastRuns.wantedLogits() == 0) {
      throw new IllegalStateException("the last step was to give no logits");
    }
    if (lastRuns.count() > 1) {
      System.arraycopy(batchLogits, run * logits.length, logits, 0, logits.length);
    }
    return logits;
  }

  /** Where those of a step go. */
  private float[] stepLogits(int runs) {
    if (runs > 1 && batchLogits.length < runs * logits.length) {
      batchLogits = new float[runs * logits.length];
    }
    return runs > 1 ? batchLogits : logits;
  }

  @Override
  public void keepAlive() {
    checkFailure();
    RootSession root = session;
    if (root != null) {
      root.keepAlive();
    }
    compute.pages().save();
  }

  @Override
  public void abort() {
    long last = step.get();
    abortedUpTo = last;
    RootSession root = session;
    if (root != null) {
      root.abort(last);
    }
  }

  @Override
  public void fail(RuntimeException cause) {
    failure = cause;
    RootSession root = session;
    if (root != null) {
      root.fail(cause);
    }
  }

  @Override
  public RankStatistics statistics() {
    return compute.statistics();
  }

  @Override
  public void close() {
    port.close();
    RootSession root = session;
    if (root != null) {
      root.close();
    }
    compute.close();
  }

  /** Names the node beside the tile and the file. */
  private static IllegalStateException ofThisRank(TileReadException failure) {
    return new IllegalStateException("rank 0: " + failure.getMessage(), failure);
  }

  /** What a session does at each collective, for a root without leaves. */
  private void checkAbort() {
    checkFailure();
    if (abortedUpTo >= step.get()) {
      throw new StepAbortedException(step.get());
    }
  }

  private void checkFailure() {
    RuntimeException cause = failure;
    if (cause != null) {
      throw cause;
    }
  }
}
