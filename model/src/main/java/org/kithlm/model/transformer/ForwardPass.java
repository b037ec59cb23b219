package org.kithlm.model.transformer;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.Activations;
import org.kithlm.model.kernel.RmsNorm;
import org.kithlm.model.kernel.TermSums;
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
 */
public final class ForwardPass {
  /** Norm weights of one layer; the last two are empty where the model has none. */
  private record LayerNorms(
      float[] attention, float[] ffn, float[] postAttention, float[] postFfn) {}

  private final ModelConfig config;
  private final Allreduce attentionSum;
  private final Allreduce ffnSum;
  private final KvCache cache;
  private final Attention attention;
  private final FeedForward feedForward;
  private final List<LayerNorms> norms = new ArrayList<>();
  private final int tokensMax;
  private final float[] normed;
  private final TermSums partial;
  private final float[] sum;

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
      int tokensMax) {
    if (tokensMax < 1 || cache.headCount() != shard.kvHeadCount()) {
      throw new IllegalArgumentException(
          "tokensMax=" + tokensMax + " cache heads=" + cache.headCount() + " for " + shard);
    }
    this.config = config;
    attentionSum =
        shard.attention() == AttentionPlacement.REPLICATED ? Allreduce.alone() : allreduce;
    ffnSum = allreduce;
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
    partial = new TermSums(tokensMax, config.hiddenSize());
    sum = new float[tokensMax * config.hiddenSize()];
  }

  /**
   * Bytes of the Java heap that the buffers of {@link #ForwardPass} take for each token of a step.
   *
   * @param types of the shard's matrices
   */
  public static long bytesPerToken(
      ModelConfig config, RankShard shard, Collection<GgmlType> types) {
    long hiddenBytes = (2L * Float.BYTES + Double.BYTES) * config.hiddenSize() + Double.BYTES;
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
   * Transforms {@code hidden[tokenCount x hiddenSize]} in place. In the sequences of the runs keys
   * and values at and beyond their first positions are replaced, which is how a generation is taken
   * back.
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
    int length = tokenCount * config.hiddenSize();
    cache.prepare(runs);
    attention.prepare(runs);
    for (int layer = 0; layer < config.layerCount(); layer++) {
      LayerNorms norm = norms.get(layer);

      normalize(hidden, norm.attention, normed, tokenCount);
      beginSums(tokenCount);
      attention.addPartial(layer, normed, runs, partial);
      attentionSum.sum(layer, Allreduce.Block.ATTENTION, partial.values(), sum, length);
      normalize(sum, norm.postAttention, sum, tokenCount);
      addResidual(hidden, length);

      normalize(hidden, norm.ffn, normed, tokenCount);
      beginSums(tokenCount);
      feedForward.addPartial(layer, normed, tokenCount, partial);
      ffnSum.sum(layer, Allreduce.Block.FFN, partial.values(), sum, length);
      normalize(sum, norm.postFfn, sum, tokenCount);
      addResidual(hidden, length);
    }
    cache.commit(runs);
  }

  /** Zeros, with the grid of each token, which follows from what the block is given. */
  private void beginSums(int tokenCount) {
    int size = config.hiddenSize();
    partial.clear(tokenCount * size);
    for (int token = 0; token < tokenCount; token++) {
      partial.roundTo(token, SumGrid.exponent(normed, token * size, size));
    }
  }

  /** Leaves x as it is where the model has no such norm. */
  private void normalize(float[] x, float[] weight, float[] out, int tokenCount) {
    if (weight.length != 0) {
      int hidden = config.hiddenSize();
      for (int offset = 0; offset < tokenCount * hidden; offset += hidden) {
        RmsNorm.normalize(x, offset, weight, config.rmsEpsilon(), out, offset, hidden);
      }
    }
  }

  private void addResidual(float[] hidden, int length) {
    for (int i = 0; i < length; i++) {
      hidden[i] += sum[i];
    }
  }
}
