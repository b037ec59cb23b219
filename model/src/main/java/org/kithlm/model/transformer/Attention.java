package org.kithlm.model.transformer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.kernel.OnlineSoftmax;
import org.kithlm.model.kernel.RmsNorm;
import org.kithlm.model.kernel.RotaryEmbedding;
import org.kithlm.model.kernel.TermSums;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.weight.TensorRole;

/** The attention block of one rank: its heads, up to its partial sum of the output. */
final class Attention {
  /** Vectors of one layer; empty where the model has none. */
  private record LayerVectors(
      float[] queryBias, float[] keyBias, float[] valueBias, float[] queryNorm, float[] keyNorm) {}

  private final ModelConfig config;
  private final RankShard shard;
  private final ShardMatrices matrices;
  private final KvCache cache;
  private final CausalAttention attention;
  private final RotaryEmbedding globalRope;
  private final RotaryEmbedding localRope;
  private final List<LayerVectors> layers = new ArrayList<>();
  private final float[] queries;
  private final float[] keys;
  private final float[] values;
  private final float[] mixed;

  Attention(
      ModelConfig config,
      RankShard shard,
      CommonTensors vectors,
      ShardMatrices matrices,
      KvCache cache,
      Workers workers,
      int tokensMax) {
    this.config = config;
    this.shard = shard;
    this.matrices = matrices;
    this.cache = cache;
    attention = new CausalAttention(config, shard, cache, workers);
    ModelConfig.Rope rope = config.rope();
    float[] divisors = vectors.optional(ModelTensors.ROPE_FREQS);
    globalRope =
        new RotaryEmbedding(
            rope.dimensions(),
            rope.freqBase(),
            rope.scale(),
            divisors,
            rope.halfSplit(),
            tokensMax);
    localRope =
        new RotaryEmbedding(
            rope.dimensions(), rope.localFreqBase(), 1, divisors, rope.halfSplit(), tokensMax);
    for (int layer = 0; layer < config.layerCount(); layer++) {
      layers.add(layerVectors(vectors, layer));
    }
    queries = new float[tokensMax * matrices.rowCount(TensorRole.ATTN_Q)];
    keys = new float[tokensMax * matrices.rowCount(TensorRole.ATTN_K)];
    values = new float[tokensMax * matrices.rowCount(TensorRole.ATTN_V)];
    mixed = new float[tokensMax * matrices.columnCount(TensorRole.ATTN_OUTPUT)];
  }

  private LayerVectors layerVectors(CommonTensors vectors, int layer) {
    boolean norms = config.architecture() == Architecture.GEMMA3;
    int headDim = config.headDim();
    return new LayerVectors(
        bias(vectors, layer, "attn_q.bias", TensorRole.ATTN_Q),
        bias(vectors, layer, "attn_k.bias", TensorRole.ATTN_K),
        bias(vectors, layer, "attn_v.bias", TensorRole.ATTN_V),
        norms ? vectors.ofLayer(layer, "attn_q_norm.weight", headDim) : CommonTensors.NONE,
        norms ? vectors.ofLayer(layer, "attn_k_norm.weight", headDim) : CommonTensors.NONE);
  }

  private float[] bias(CommonTensors vectors, int layer, String suffix, TensorRole role) {
    if (config.architecture() != Architecture.QWEN2) {
      return CommonTensors.NONE;
    }
    float[] bias = vectors.ofLayer(layer, suffix, ModelTensors.rows(config, role));
    int first = matrices.firstRow(role);
    return Arrays.copyOfRange(bias, first, first + matrices.rowCount(role));
  }

  /** Computes the rotations of a step, once for all layers. */
  void prepare(StepRuns runs) {
    for (int run = 0; run < runs.count(); run++) {
      int position = runs.startPosition(run);
      globalRope.prepare(position, runs.tokenCount(run), runs.firstToken(run));
      localRope.prepare(position, runs.tokenCount(run), runs.firstToken(run));
    }
  }

  /**
   * Computes a layer for some tokens of the prepared step.
   *
   * @param x normalised hidden states [tokenCount x hidden]
   * @param runs where these tokens belong
   * @param firstToken index in the step of the first of them
   * @param partial zeros [tokenCount x hidden], to which this rank's share is added
   */
  void addPartial(int layer, float[] x, StepRuns runs, int firstToken, TermSums partial) {
    if (shard.headCount() == 0) {
      return;
    }
    int tokenCount = runs.tokenCount();
    matrices.input(x, tokenCount, config.hiddenSize());
    projectQueries(layer, tokenCount);
    projectKeysAndValues(layer, tokenCount);
    matrices.complete();
    positionQueries(layer, firstToken, tokenCount);
    store(layer, runs, firstToken);
    addOutput(layer, runs, partial);
  }

  /**
   * The first of three parts of {@link #addPartial}, for tokens of which more is wanted than keys
   * and values.
   *
   * @param x normalised hidden states of these [tokenCount x hidden]
   */
  void query(int layer, float[] x, int firstToken, int tokenCount) {
    if (shard.headCount() > 0) {
      matrices.input(x, tokenCount, config.hiddenSize());
      projectQueries(layer, tokenCount);
      matrices.complete();
      positionQueries(layer, firstToken, tokenCount);
    }
  }

  /**
   * The second: keys and values of all tokens that go through the layer.
   *
   * @param x normalised hidden states of these [tokenCount x hidden]
   * @param runs where they belong
   */
  void remember(int layer, float[] x, StepRuns runs, int firstToken) {
    if (shard.headCount() > 0) {
      matrices.input(x, runs.tokenCount(), config.hiddenSize());
      projectKeysAndValues(layer, runs.tokenCount());
      matrices.complete();
      store(layer, runs, firstToken);
    }
  }

  /**
   * The third.
   *
   * @param runs where the tokens of {@link #query} belong
   * @param partial zeros [their count x hidden], to which this rank's share is added
   */
  void addOutput(int layer, StepRuns runs, TermSums partial) {
    if (shard.headCount() > 0) {
      attention.attend(layer, queries, runs, mixed);
      int columns = matrices.columnCount(TensorRole.ATTN_OUTPUT);
      matrices.input(mixed, runs.tokenCount(), columns);
      matrices.addPartialSums(layer, TensorRole.ATTN_OUTPUT, partial);
      matrices.complete();
    }
  }

  private void projectQueries(int layer, int tokenCount) {
    project(layer, TensorRole.ATTN_Q, layers.get(layer).queryBias, tokenCount, queries);
  }

  private void projectKeysAndValues(int layer, int tokenCount) {
    project(layer, TensorRole.ATTN_K, layers.get(layer).keyBias, tokenCount, keys);
    project(layer, TensorRole.ATTN_V, layers.get(layer).valueBias, tokenCount, values);
  }

  private void positionQueries(int layer, int firstToken, int tokenCount) {
    float[] norm = layers.get(layer).queryNorm;
    int endToken = firstToken + tokenCount;
    positionHeads(layer, norm, queries, firstToken, endToken, shard.headCount());
    int used = tokenCount * matrices.rowCount(TensorRole.ATTN_Q);
    OnlineSoftmax.scale(queries, 0, used, config.attentionScale());
  }

  private void project(int layer, TensorRole role, float[] bias, int tokenCount, float[] out) {
    int width = matrices.rowCount(role);
    if (bias.length == 0) {
      Arrays.fill(out, 0, tokenCount * width, 0);
    } else {
      for (int token = 0; token < tokenCount; token++) {
        System.arraycopy(bias, 0, out, token * width, width);
      }
    }
    matrices.addProduct(layer, role, out);
  }

  /** Normalises (where the model does) and rotates each head. */
  private void positionHeads(
      int layer, float[] norm, float[] heads, int firstToken, int endToken, int headCount) {
    RotaryEmbedding rope = config.isGlobalLayer(layer) ? globalRope : localRope;
    int headDim = config.headDim();
    for (int token = firstToken; token < endToken; token++) {
      for (int head = 0; head < headCount; head++) {
        int offset = ((token - firstToken) * headCount + head) * headDim;
        if (norm.length != 0) {
          RmsNorm.normalize(heads, offset, norm, config.rmsEpsilon(), heads, offset, headDim);
        }
        rope.rotate(heads, offset, token);
      }
    }
  }

  private void store(int layer, StepRuns runs, int firstToken) {
    int headDim = config.headDim();
    float[] norm = layers.get(layer).keyNorm;
    int endToken = firstToken + runs.tokenCount();
    positionHeads(layer, norm, keys, firstToken, endToken, shard.kvHeadCount());
    for (int run = 0; run < runs.count(); run++) {
      for (int token = 0; token < runs.tokenCount(run); token++) {
        int position = runs.startPosition(run) + token;
        for (int head = 0; head < shard.kvHeadCount(); head++) {
          int offset = ((runs.firstToken(run) + token) * shard.kvHeadCount() + head) * headDim;
          cache.write(runs.sequence(run), layer, head, position, keys, offset, values, offset);
        }
      }
    }
  }
}
