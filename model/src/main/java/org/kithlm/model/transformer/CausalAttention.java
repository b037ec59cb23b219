package org.kithlm.model.transformer;

import static org.kithlm.model.transformer.KvCache.BLOCK_POSITIONS;

import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.shard.RankShard;

/**
 * Softmax-weighted sums of cached values for this rank's query heads. All heads that read a KV head
 * share one pass over it. Positions are taken in the blocks of the cache, each for itself, and what
 * they give is merged in their order: so the result of a token depends neither on which others it
 * is computed with nor on the number of threads.
 */
final class CausalAttention {
  /**
   * Up to so many queries of a KV head, its blocks are shared among the threads; beyond, tokens.
   * The sums of all blocks then take at most an eighth of what one layer of the cache takes.
   */
  private static final int ROWS_BY_BLOCKS = 16;

  /** Queries of a tile of tokens; with their scores and sums they stay in the L2 cache. */
  private static final int ROWS_BY_TOKENS = 64;

  private final ModelConfig config;
  private final RankShard shard;
  private final Workers workers;
  private final int headsPerKvHead;
  private final BlockAttention[] threads;
  private final SoftmaxSums[] blockSums;
  private final SoftmaxSums[] totals;
  private final SoftmaxSums sumsOfBlocks;
  private final Workers.Part blocksPart = this::attendBlocks;
  private final Workers.Part tokensPart = this::attendTokens;

  private int layer;
  private float[] queries = CommonTensors.NONE;
  private float[] out = CommonTensors.NONE;
  private int tokenCount;
  private int startPosition;
  private int firstBlock;
  private int blockCount;
  private int tileTokens;

  CausalAttention(ModelConfig config, RankShard shard, KvCache cache, Workers workers) {
    this.config = config;
    this.shard = shard;
    this.workers = workers;
    headsPerKvHead = config.headCount() / config.kvHeadCount();
    int rows = BlockAttention.paddedRows(Math.max(ROWS_BY_TOKENS, headsPerKvHead));
    int width = BlockAttention.width(config);
    threads = new BlockAttention[workers.count()];
    blockSums = new SoftmaxSums[workers.count()];
    totals = new SoftmaxSums[workers.count()];
    for (int i = 0; i < workers.count(); i++) {
      threads[i] = new BlockAttention(config, cache, rows);
      blockSums[i] = new SoftmaxSums(rows, width);
      totals[i] = new SoftmaxSums(rows, width);
    }
    sumsOfBlocks = new SoftmaxSums(0, width);
  }

  /**
   * Attends to the cache, which already holds the step itself.
   *
   * @param stepQueries [tokens x heads x headDim], already scaled
   * @param firstPosition that of the first token
   * @param stepOut as queries; replaced
   */
  void attend(int ofLayer, float[] stepQueries, int tokens, int firstPosition, float[] stepOut) {
    layer = ofLayer;
    queries = stepQueries;
    tokenCount = tokens;
    startPosition = firstPosition;
    out = stepOut;
    if (tokens * headsPerKvHead <= Math.max(ROWS_BY_BLOCKS, headsPerKvHead)) {
      firstBlock = firstBlock(0);
      blockCount = endBlock(tokens) - firstBlock;
      sumsOfBlocks.ensureRows(shard.kvHeadCount() * blockCount * blockRows());
      workers.run(blocksPart);
      mergeBlocks();
    } else {
      // At least two tiles for each thread, as later ones see more positions.
      int share = Math.ceilDiv(tokens * shard.kvHeadCount(), 2 * workers.count());
      tileTokens = Math.clamp(share, 1, Math.max(1, ROWS_BY_TOKENS / headsPerKvHead));
      workers.run(tokensPart);
    }
  }

  private int firstBlock(int token) {
    return BlockAttention.firstVisible(config, layer, startPosition + token) / BLOCK_POSITIONS;
  }

  private int endBlock(int endToken) {
    return Math.ceilDiv(startPosition + endToken, BLOCK_POSITIONS);
  }

  /** Rows of sums that a block of a KV head has. */
  private int blockRows() {
    return BlockAttention.paddedRows(tokenCount * headsPerKvHead);
  }

  /** A run of the blocks of all KV heads. */
  private void attendBlocks(int index, int count) {
    int total = shard.kvHeadCount() * blockCount;
    int end = (int) ((long) total * (index + 1) / count);
    int loaded = -1;
    for (int i = (int) ((long) total * index / count); i < end; i++) {
      int kvHead = i / blockCount;
      if (kvHead != loaded) {
        load(threads[index], kvHead, 0, tokenCount);
        loaded = kvHead;
      }
      threads[index].attend(firstBlock + i % blockCount, sumsOfBlocks, i * blockRows());
    }
  }

  private void mergeBlocks() {
    for (int kvHead = 0; kvHead < shard.kvHeadCount(); kvHead++) {
      int rows = tokenCount * heads(kvHead);
      totals[0].clear(0, rows);
      for (int i = kvHead * blockCount; i < (kvHead + 1) * blockCount; i++) {
        totals[0].merge(sumsOfBlocks, i * blockRows(), rows);
      }
      store(totals[0], kvHead, 0, tokenCount);
    }
  }

  /** Every {@code count}-th tile of tokens of all KV heads, each with all its blocks. */
  private void attendTokens(int index, int count) {
    BlockAttention thread = threads[index];
    int tiles = Math.ceilDiv(tokenCount, tileTokens);
    for (int i = index; i < shard.kvHeadCount() * tiles; i += count) {
      int kvHead = i / tiles;
      int first = i % tiles * tileTokens;
      int end = Math.min(first + tileTokens, tokenCount);
      load(thread, kvHead, first, end);
      totals[index].clear(0, thread.rows());
      for (int block = firstBlock(first); block < endBlock(end); block++) {
        thread.attend(block, blockSums[index], 0);
        totals[index].merge(blockSums[index], 0, thread.rows());
      }
      store(totals[index], kvHead, first, end);
    }
  }

  /** First of this rank's heads that read a KV head, which another rank may share. */
  private int firstHead(int kvHead) {
    return Math.max((shard.firstKvHead() + kvHead) * headsPerKvHead - shard.firstHead(), 0);
  }

  private int heads(int kvHead) {
    int end = (shard.firstKvHead() + kvHead + 1) * headsPerKvHead - shard.firstHead();
    return Math.min(end, shard.headCount()) - firstHead(kvHead);
  }

  private int offset(int token, int head) {
    return (token * shard.headCount() + head) * config.headDim();
  }

  private void load(BlockAttention thread, int kvHead, int firstToken, int endToken) {
    thread.load(
        layer,
        kvHead,
        queries,
        offset(firstToken, firstHead(kvHead)),
        offset(1, 0),
        heads(kvHead),
        endToken - firstToken,
        startPosition + firstToken);
  }

  private void store(SoftmaxSums sums, int kvHead, int firstToken, int endToken) {
    int row = 0;
    for (int token = firstToken; token < endToken; token++) {
      int first = firstHead(kvHead);
      for (int head = first; head < first + heads(kvHead); head++) {
        sums.writeMean(row, out, offset(token, head), config.headDim());
        row++;
      }
    }
  }
}
