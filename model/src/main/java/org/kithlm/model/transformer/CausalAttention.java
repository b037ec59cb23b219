package org.kithlm.model.transformer;

import java.util.Arrays;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.OnlineSoftmax;
import org.kithlm.model.kernel.WeightedRows;
import org.kithlm.model.shard.RankShard;

/**
 * Softmax-weighted sums of cached values for this rank's query heads. Positions are taken in chunks
 * that start at multiples of {@value #CHUNK_POSITIONS}, whatever the step, so the result of a token
 * does not depend on which others it is computed with.
 */
final class CausalAttention {
  /** A chunk of keys in f32 stays in the L1 cache: 32 x 128 elements are 16 KiB. */
  private static final int CHUNK_POSITIONS = KvCache.TILE_POSITIONS;

  private final ModelConfig config;
  private final RankShard shard;
  private final KvCache cache;
  private final float[] keys;
  private final float[] values;
  private final float[] scores = new float[CHUNK_POSITIONS];
  private final float[] maxima;
  private final float[] sums;

  CausalAttention(ModelConfig config, RankShard shard, KvCache cache, int tokensMax) {
    this.config = config;
    this.shard = shard;
    this.cache = cache;
    keys = new float[config.headDim() * CHUNK_POSITIONS];
    values = new float[CHUNK_POSITIONS * config.headDim()];
    maxima = new float[tokensMax * shard.headCount()];
    sums = new float[tokensMax * shard.headCount()];
  }

  /**
   * Attends to the cache, which already holds the step itself.
   *
   * @param queries [tokenCount x heads x headDim], already scaled
   * @param startPosition position of the first token
   * @param out as queries; replaced
   */
  void attend(int layer, float[] queries, int tokenCount, int startPosition, float[] out) {
    int used = tokenCount * shard.headCount();
    Arrays.fill(maxima, 0, used, Float.NEGATIVE_INFINITY);
    Arrays.fill(sums, 0, used, 0);
    Arrays.fill(out, 0, used * config.headDim(), 0);
    int end = startPosition + tokenCount;
    int first = firstVisible(layer, startPosition);
    for (int kvHead = 0; kvHead < shard.kvHeadCount(); kvHead++) {
      for (int chunk = first - first % CHUNK_POSITIONS; chunk < end; chunk += CHUNK_POSITIONS) {
        cache.readKeys(layer, kvHead, chunk, keys);
        cache.readValues(layer, kvHead, chunk, CHUNK_POSITIONS, values);
        for (int token = 0; token < tokenCount; token++) {
          int position = startPosition + token;
          int from = Math.max(firstVisible(layer, position) - chunk, 0);
          int to = Math.min(position + 1 - chunk, CHUNK_POSITIONS);
          if (from < to) {
            addChunk(kvHead, token, from, to, queries, out);
          }
        }
      }
    }
    for (int i = 0; i < used; i++) {
      OnlineSoftmax.scale(out, i * config.headDim(), config.headDim(), 1 / sums[i]);
    }
  }

  /** A local layer sees {@code slidingWindow} positions, its own among them. */
  private int firstVisible(int layer, int position) {
    return config.isGlobalLayer(layer) ? 0 : Math.max(0, position + 1 - config.slidingWindow());
  }

  /** All query heads that read this KV head. */
  private void addChunk(int kvHead, int token, int from, int to, float[] queries, float[] out) {
    int group = config.headCount() / config.kvHeadCount();
    int firstHead = (shard.firstKvHead() + kvHead) * group - shard.firstHead();
    int lastHead = Math.min(firstHead + group, shard.headCount());
    for (int head = Math.max(firstHead, 0); head < lastHead; head++) {
      addChunk(token * shard.headCount() + head, from, to, queries, out);
    }
  }

  /** Positions {@code [from, to)} of the chunk for one query. */
  private void addChunk(int query, int from, int to, float[] queries, float[] out) {
    int headDim = config.headDim();
    int offset = query * headDim;
    Arrays.fill(scores, 0);
    WeightedRows.add(
        queries, offset, headDim, keys, 0, CHUNK_POSITIONS, scores, 0, CHUNK_POSITIONS);
    if (config.attentionSoftcap() > 0) {
      Softcap.apply(scores, from, to, config.attentionSoftcap());
    }
    float max = Math.max(maxima[query], OnlineSoftmax.max(scores, from, to - from));
    float factor = OnlineSoftmax.rescale(maxima[query], max);
    if (factor != 1) {
      OnlineSoftmax.scale(out, offset, headDim, factor);
    }
    maxima[query] = max;
    sums[query] = sums[query] * factor + OnlineSoftmax.exponentiate(scores, from, to - from, max);
    WeightedRows.add(
        scores, from, to - from, values, from * headDim, headDim, out, offset, headDim);
  }
}
