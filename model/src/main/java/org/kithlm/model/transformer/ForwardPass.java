package org.kithlm.model.transformer;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.Activations;
import org.kithlm.model.kernel.RmsNorm;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.weight.ShardLayout;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.WeightSource;

/**
 * Takes the hidden states of a batch of tokens through all layers, as one rank of many: norms are
 * computed by every rank, matrices by slices, and the partial sums are added by the {@link
 * Allreduce}, so that all ranks hold the same hidden states. Of attention each rank may compute all
 * instead, which needs no sum ({@link AttentionPlacement}). Acquires and releases every tile of the
 * layers once, in order; the tiles of the LM head follow in the cycle, so a caller that does not go
 * on with {@link LmHead} rewinds the source. Owned by the rank's compute thread; a step allocates
 * nothing but what a longer context needs.
 *
 * <p>A long step of one run is cut in two where sums are to overlap with computing: one half
 * computes, with the same tiles once more, while the sum of the other is on its way. A rank that
 * reads its tiles from disk computes both at once and sums them one after the other.
 *
 * <p>Where each rank has all of attention, it may compute that of a part of a long step's tokens
 * alone, and get what the others have computed ({@link StepRuns#sharesTokens}). Keys and values it
 * computes of all, as later tokens need them.
 */
public final class ForwardPass {
  /** Of fewer tokens a sum is too short to be worth a second pass over the tiles. */
  static final int OVERLAP_TOKENS_MIN = 32;

  private static final int TOKENS_TOGETHER = 8;

  /** Norm weights of one layer; the last two are empty where the model has none. */
  private record LayerNorms(
      float[] attention, float[] ffn, float[] postAttention, float[] postFfn) {}

  private final ModelConfig config;
  private final Allreduce allreduce;
  private final Allreduce alone = Allreduce.alone();
  private final KvCache cache;
  private final Attention attention;
  private final FeedForward feedForward;
  private final List<LayerNorms> norms = new ArrayList<>();
  private final ShardLayout layout;
  private final WeightSource weights;
  private final boolean replicated;
  private final boolean overlaps;
  private final int tokensMax;
  private final float[] normed;
  private final StepPart whole; // or the first half
  private final StepPart rest;
  private final StepPart tail; // the last token of a run of several
  private final StepPart own; // of which this rank computes attention
  private final int rank;
  private final int[] sharedEnds; // where the hidden states end that each rank computes
  private @Nullable StepPart inFlight; // whose sum has begun
  private float[] inFlightNorm = {};

  /**
   * Allocates the buffers.
   *
   * @param shard what this rank holds
   * @param layout its tiles, covering the shard
   * @param commonTensors norms and biases by GGUF name
   * @param weights brings the tiles
   * @param cache for the KV heads of the shard
   * @param workers share the work
   * @param tokensMax tokens of a step at most
   * @param overlaps whether sums of long steps that ask for it overlap with computing; the same on
   *     all ranks
   * @throws IllegalArgumentException if tiles or tensors do not fit the model
   */
  public ForwardPass(
      ModelConfig config,
      RankShard shard,
      ShardLayout layout,
      Map<String, float[]> commonTensors,
      WeightSource weights,
      Allreduce allreduce,
      KvCache cache,
      Workers workers,
      int tokensMax,
      boolean overlaps) {
    if (tokensMax < 1 || cache.headCount() != shard.kvHeadCount()) {
      throw new IllegalArgumentException(
          "tokensMax=" + tokensMax + " cache heads=" + cache.headCount() + " for " + shard);
    }
    this.config = config;
    replicated = shard.attention() == AttentionPlacement.REPLICATED;
    this.allreduce = allreduce;
    this.layout = layout;
    this.weights = weights;
    this.overlaps = overlaps;
    this.cache = cache;
    this.tokensMax = tokensMax;
    CommonTensors vectors = new CommonTensors(commonTensors);
    ShardMatrices matrices = new ShardMatrices(config, shard, layout, weights, workers, tokensMax);
    for (int layer = 0; layer < config.layerCount(); layer++) {
      for (TensorRole role : TensorRole.values()) {
        if (role != TensorRole.LM_HEAD) {
          matrices.requireComplete(layer, role);
        }
      }
      norms.add(layerNorms(vectors, layer));
    }
    attention = new Attention(config, shard, vectors, matrices, cache, workers, tokensMax);
    feedForward = new FeedForward(config, matrices, tokensMax);
    normed = new float[tokensMax * config.hiddenSize()];
    whole = new StepPart(config, Allreduce.Block.ATTENTION, Allreduce.Block.FFN, tokensMax);
    rest =
        new StepPart(
            config,
            Allreduce.Block.ATTENTION_REST,
            Allreduce.Block.FFN_REST,
            overlaps ? tokensMax - tokensMax / 2 : 0);
    tail = new StepPart(config, Allreduce.Block.ATTENTION, Allreduce.Block.FFN, 1);
    rank = shard.rank();
    sharedEnds = new int[shard.worldSize()];
    int ownMax =
        replicated ? Math.min(tokensMax, tokensMax / sharedEnds.length + 2 * TOKENS_TOGETHER) : 0;
    own = new StepPart(config, Allreduce.Block.ATTENTION, Allreduce.Block.FFN, ownMax);
  }

  /**
   * Bytes of the Java heap that the buffers of {@link #ForwardPass} take for each token of a step.
   *
   * @param types of the shard's matrices
   * @param overlaps as for the constructor
   */
  public static long bytesPerToken(
      ModelConfig config, RankShard shard, Collection<GgmlType> types, boolean overlaps) {
    long sumBytes = (Float.BYTES + (long) Double.BYTES) * config.hiddenSize() + Double.BYTES;
    long hiddenBytes =
        (long) Float.BYTES * config.hiddenSize()
            + sumBytes
            + (overlaps ? (sumBytes + 1) / 2 : 0)
            + (shard.attention() == AttentionPlacement.REPLICATED
                ? sumBytes / shard.worldSize()
                : 0);
    long heads = 2L * (shard.headCount() + shard.kvHeadCount()); // queries, mixed, keys, values
    long rotations = 4; // sines and cosines, global and local
    long columns = 2L * shard.ffnColumnCount(); // gate and up
    int inputs =
        Math.max(
            config.hiddenSize(),
            Math.max(shard.ffnColumnCount(), shard.headCount() * config.headDim()));
    return hiddenBytes
        + (heads * config.headDim() + rotations * config.rope().dimensions() / 2 + columns)
            * Float.BYTES
        + Activations.bytesPerToken(inputs, types);
  }

  private LayerNorms layerNorms(CommonTensors vectors, int layer) {
    boolean post = config.architecture() == Architecture.GEMMA3;
    int hidden = config.hiddenSize();
    return new LayerNorms(
        vectors.ofLayer(layer, "attn_norm.weight", hidden),
        vectors.ofLayer(layer, "ffn_norm.weight", hidden),
        post ? vectors.ofLayer(layer, "post_attention_norm.weight", hidden) : CommonTensors.NONE,
        post ? vectors.ofLayer(layer, "post_ffw_norm.weight", hidden) : CommonTensors.NONE);
  }

  /**
   * Transforms {@code hidden[tokenCount x hiddenSize]} in place: the last token of each run goes
   * through all layers if logits are wanted, the others, of whose hidden states nobody asks for
   * more, as far as their keys and values need. In the sequences of the runs keys and values at and
   * beyond their first positions are replaced, which is how a generation is taken back.
   *
   * @param hidden embeddings of the runs' tokens, already scaled by {@link
   *     ModelConfig#embeddingScale()}
   * @param runs 1 to {@code tokensMax} tokens
   * @throws IllegalArgumentException if a count is out of range or the context exceeded
   * @throws RuntimeException if the step was aborted or weights cannot be read; the hidden states
   *     are undefined then, and the sequences end where the step starts
   */
  public void forward(float[] hidden, StepRuns runs) {
    int tokenCount = runs.tokenCount();
    if (tokenCount < 1 || tokenCount > tokensMax) {
      throw new IllegalArgumentException(
          "tokenCount=" + tokenCount + " is out of range: 1 to " + tokensMax);
    }
    cache.prepare(runs);
    attention.prepare(runs);
    boolean cut = overlaps && runs.overlapsSums() && canOverlap(runs);
    boolean inTurns = cut && weights.isResident();
    int half = cut ? half(tokenCount) : tokenCount;
    if (cut) {
      rest.set(runs, half, tokenCount - half);
    }
    boolean shared =
        !cut && replicated && runs.sharesTokens() && canShareTokens(runs, sharedEnds.length);
    if (shared) {
      share(runs);
    }
    if (inTurns) {
      whole.set(runs, 0, half);
    } else {
      whole.set(runs);
    }
    try {
      for (int layer = 0; layer < config.layerCount() - 1; layer++) {
        if (inTurns) {
          layerInTurns(layer, hidden);
        } else if (shared) {
          layerShared(layer, hidden);
        } else {
          layer(layer, hidden, half);
        }
      }
      finishSum(hidden);
      whole.set(runs);
      lastLayer(config.layerCount() - 1, hidden, runs);
    } catch (RuntimeException | Error e) {
      settle(e);
      throw e;
    }
    cache.commit(runs);
  }

  /** Whether a step is one that can be cut in two. */
  public static boolean canOverlap(StepRuns runs) {
    return runs.count() == 1 && runs.tokenCount() >= OVERLAP_TOKENS_MIN;
  }

  /** Whether ranks can share the tokens of a step, if they have all of attention. */
  public static boolean canShareTokens(StepRuns runs, int worldSize) {
    return runs.count() == 1 && runs.tokenCount() >= TOKENS_TOGETHER * worldSize;
  }

  /** Kernels take several tokens at a time. */
  private static int half(int tokenCount) {
    return Math.ceilDiv(tokenCount / 2, TOKENS_TOGETHER) * TOKENS_TOGETHER;
  }

  /** All tokens, whose sums are of the first {@code sumTokens} and, if there are more, the rest. */
  private void layer(int layer, float[] hidden, int sumTokens) {
    attend(layer, hidden, whole);
    sum(layer, hidden, true, sumTokens);
    feedForward(layer, hidden, whole);
    sum(layer, hidden, false, sumTokens);
  }

  /** Gives each rank as many tokens as the others, or a few more or less. */
  private void share(StepRuns runs) {
    int tokenCount = runs.tokenCount();
    for (int i = 0; i < sharedEnds.length; i++) {
      sharedEnds[i] = tokensBefore(i + 1, tokenCount) * config.hiddenSize();
    }
    int first = tokensBefore(rank, tokenCount);
    own.set(runs, first, tokensBefore(rank + 1, tokenCount) - first);
  }

  /** Tokens of a shared step that lower ranks have. */
  private int tokensBefore(int someRank, int tokenCount) {
    int worldSize = sharedEnds.length;
    return someRank == worldSize
        ? tokenCount
        : tokenCount * someRank / worldSize / TOKENS_TOGETHER * TOKENS_TOGETHER;
  }

  /** This rank computes attention of its own tokens alone. */
  private void layerShared(int layer, float[] hidden) {
    attend(layer, hidden, whole, own);
    whole.takeTerms(own);
    double[] terms = whole.partial().values();
    allreduce.gather(layer, whole.name(true), terms, whole.sum(), sharedEnds);
    take(hidden, whole, postNorm(layer, true));
    feedForward(layer, hidden, whole);
    sum(layer, hidden, false, whole);
  }

  /** Keys and values of all tokens, and the rest of those after which logits are wanted. */
  private void lastLayer(int layer, float[] hidden, StepRuns runs) {
    if (runs.wantedLogits() == 0) {
      attend(layer, hidden, whole);
      return;
    }
    StepPart part = whole;
    if (runs.count() == 1 && runs.tokenCount() > 1) {
      part = tail;
      tail.set(runs, runs.tokenCount() - 1, 1);
      attend(layer, hidden, whole, tail);
    } else {
      attend(layer, hidden, whole);
    }
    sum(layer, hidden, true, part);
    feedForward(layer, hidden, part);
    sum(layer, hidden, false, part);
  }

  /** A half computes while the sum of the other is on its way. */
  private void layerInTurns(int layer, float[] hidden) {
    if (replicated) {
      feedForwardAlone(layer, hidden, whole);
      beginSum(layer, hidden, false, whole);
      goBack(layer, TensorRole.ATTN_Q);
      feedForwardAlone(layer, hidden, rest);
      beginSum(layer, hidden, false, rest);
      return;
    }
    attend(layer, hidden, whole);
    beginSum(layer, hidden, true, whole);
    goBack(layer, TensorRole.ATTN_Q);
    attend(layer, hidden, rest);
    beginSum(layer, hidden, true, rest);
    feedForward(layer, hidden, whole);
    beginSum(layer, hidden, false, whole);
    goBack(layer, TensorRole.FFN_GATE);
    feedForward(layer, hidden, rest);
    beginSum(layer, hidden, false, rest);
  }

  /** To the first matrix of a block, where this rank has a part of it. */
  private void goBack(int layer, TensorRole role) {
    int tile = layout.firstTile(layer, role);
    if (tile < layout.endTile(layer, role)) {
      weights.back(tile);
    }
  }

  /** The FFN behind attention that this rank computes alone. */
  private void feedForwardAlone(int layer, float[] hidden, StepPart part) {
    attend(layer, hidden, part);
    sum(layer, hidden, true, part);
    feedForward(layer, hidden, part);
  }

  private void attend(int layer, float[] hidden, StepPart part) {
    normalize(hidden, part.offset(), norms.get(layer).attention, normed, part.tokenCount());
    part.beginSums(normed);
    attention.addPartial(layer, normed, part.runs(), part.firstToken(), part.partial());
  }

  /** Keys and values of {@code all}, and attention of {@code part} of them. */
  private void attend(int layer, float[] hidden, StepPart all, StepPart part) {
    float[] norm = norms.get(layer).attention;
    normalize(hidden, part.offset(), norm, normed, part.tokenCount());
    part.beginSums(normed);
    attention.query(layer, normed, part.firstToken(), part.tokenCount());
    normalize(hidden, all.offset(), norm, normed, all.tokenCount());
    attention.remember(layer, normed, all.runs(), all.firstToken());
    attention.addOutput(layer, part.runs(), part.partial());
  }

  private void feedForward(int layer, float[] hidden, StepPart part) {
    normalize(hidden, part.offset(), norms.get(layer).ffn, normed, part.tokenCount());
    part.beginSums(normed);
    feedForward.addPartial(layer, normed, part.tokenCount(), part.partial());
  }

  private void sum(int layer, float[] hidden, boolean ofAttention, StepPart part) {
    Allreduce collective = ofAttention && replicated ? alone : allreduce;
    collective.sum(
        layer, part.name(ofAttention), part.partial().values(), part.sum(), part.length());
    take(hidden, part, postNorm(layer, ofAttention));
  }

  private float[] postNorm(int layer, boolean ofAttention) {
    LayerNorms norm = norms.get(layer);
    return ofAttention ? norm.postAttention : norm.postFfn;
  }

  /** Sums all tokens; the sums of two halves are those that other ranks form in turns. */
  private void sum(int layer, float[] hidden, boolean ofAttention, int sumTokens) {
    int length = whole.length();
    int first = sumTokens * config.hiddenSize();
    if (first == length || (ofAttention && replicated)) {
      sum(layer, hidden, ofAttention, whole);
      return;
    }
    double[] partial = whole.partial().values();
    allreduce.sum(layer, whole.name(ofAttention), partial, whole.sum(), first);
    double[] restPartial = rest.partial().values();
    System.arraycopy(partial, first, restPartial, 0, length - first);
    allreduce.sum(layer, rest.name(ofAttention), restPartial, rest.sum(), length - first);
    System.arraycopy(rest.sum(), 0, whole.sum(), first, length - first);
    take(hidden, whole, postNorm(layer, ofAttention));
  }

  /** Begins the sum of a half, once that of the other is there. */
  private void beginSum(int layer, float[] hidden, boolean ofAttention, StepPart part) {
    finishSum(hidden);
    inFlight = part;
    inFlightNorm = postNorm(layer, ofAttention);
    allreduce.begin(
        layer, part.name(ofAttention), part.partial().values(), part.sum(), part.length());
  }

  /** Takes the sum that has begun, if there is one. */
  private void finishSum(float[] hidden) {
    StepPart part = inFlight;
    if (part != null) {
      inFlight = null;
      allreduce.finish();
      take(hidden, part, inFlightNorm);
    }
  }

  /** No sum goes on after a failure: its arrays and its thread are for the next step. */
  private void settle(Throwable failure) {
    if (inFlight != null) {
      inFlight = null;
      try {
        allreduce.finish();
      } catch (RuntimeException e) {
        failure.addSuppressed(e);
      }
    }
  }

  /** Adds a sum to the hidden states. */
  private void take(float[] hidden, StepPart part, float[] postNorm) {
    float[] sum = part.sum();
    normalize(sum, 0, postNorm, sum, part.tokenCount());
    int offset = part.offset();
    for (int i = 0; i < part.length(); i++) {
      hidden[offset + i] += sum[i];
    }
  }

  /** Leaves x as it is where the model has no such norm. */
  private void normalize(float[] x, int from, float[] weight, float[] out, int tokenCount) {
    if (weight.length != 0) {
      int hidden = config.hiddenSize();
      for (int offset = 0; offset < tokenCount * hidden; offset += hidden) {
        RmsNorm.normalize(x, from + offset, weight, config.rmsEpsilon(), out, offset, hidden);
      }
    }
  }
}
