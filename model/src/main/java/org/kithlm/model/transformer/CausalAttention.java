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
  private StepRuns runs = new StepRuns();
  private float[] queries = CommonTensors.NONE;
  private float[] out = CommonTensors.NONE;
  private int firstBlock; // of the only run
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
   * @param stepOut as queries; replaced
   */
  void attend(int ofLayer, float[] stepQueries, StepRuns stepRuns, float[] stepOut) {
    layer = ofLayer;
    queries = stepQueries;
    runs = stepRuns;
    out = stepOut;
    int tokens = runs.tokenCount();
    if (runs.count() == 1 && tokens * headsPerKvHead <= Math.max(ROWS_BY_BLOCKS, headsPerKvHead)) {
      firstBlock = firstBlock(0, 0);
      blockCount = endBlock(0, tokens) - firstBlock;
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

  private int firstBlock(int run, int token) {
    int position = runs.startPosition(run) + token;
    return BlockAttention.firstVisible(config, layer, position) / BLOCK_POSITIONS;
  }

  private int endBlock(int run, int endToken) {
    return KvBlocks.of(runs.startPosition(run) + endToken);
  }

  /** Rows of sums that a block of a KV head has. */
  private int blockRows() {
    return BlockAttention.paddedRows(runs.tokenCount() * headsPerKvHead);
  }

  /** A share of the blocks of all KV heads, of the only run. */
  private void attendBlocks(int index, int count) {
    int total = shard.kvHeadCount() * blockCount;
    int end = (int) ((long) total * (index + 1) / count);
    int loaded = -1;
    for (int i = (int) ((long) total * index / count); i < end; i++) {
      int kvHead = i / blockCount;
      if (kvHead != loaded) {
        load(threads[index], 0, kvHead, 0, runs.tokenCount());
        loaded = kvHead;
      }
      threads[index].attend(firstBlock + i % blockCount, sumsOfBlocks, i * blockRows());
    }
  }

  private void mergeBlocks() {
    for (int kvHead = 0; kvHead < shard.kvHeadCount(); kvHead++) {
      int rows = runs.tokenCount() * heads(kvHead);
      totals[0].clear(0, rows);
      for (int i = kvHead * blockCount; i < (kvHead + 1) * blockCount; i++) {
        totals[0].merge(sumsOfBlocks, i * blockRows(), rows);
      }
      store(totals[0], 0, kvHead, 0, runs.tokenCount());
    }
  }

  /** Every {@code count}-th tile of tokens of all KV heads and runs, each with all its blocks. */
  private void attendTokens(int index, int count) {
    int next = index;
    int end = 0;
    for (int run = 0; run < runs.count(); run++) {
      int tiles = Math.ceilDiv(runs.tokenCount(run), tileTokens);
      int first = end;
      end += shard.kvHeadCount() * tiles;
      for (; next < end; next += count) {
        int kvHead = (next - first) / tiles;
        int token = (next - first) % tiles * tileTokens;
        attendTile(index, run, kvHead, token, Math.min(token + tileTokens, runs.tokenCount(run)));
      }
    }
  }

  private void attendTile(int index, int run, int kvHead, int first, int end) {
    BlockAttention thread = threads[index];
    load(thread, run, kvHead, first, end);
    totals[index].clear(0, thread.rows());
    for (int block = firstBlock(run, first); block < endBlock(run, end); block++) {
      thread.attend(block, blockSums[index], 0);
      totals[index].merge(blockSums[index], 0, thread.rows());
    }
    store(totals[index], run, kvHead, first, end);
  }

  /** First of this rank's heads that read a KV head, which another rank may share. */
  private int firstHead(int kvHead) {
    return Math.max((shard.firstKvHead() + kvHead) * headsPerKvHead - shard.firstHead(), 0);
  }

  private int heads(int kvHead) {
    int end = (shard.firstKvHead() + kvHead + 1) * headsPerKvHead - shard.firstHead();
    return Math.min(end, shard.headCount()) - firstHead(kvHead);
  }

  /** Where the queries of a head of a run's token start. */
  private int offset(int run, int token, int head) {
    return ((runs.firstToken(run) + token) * shard.headCount() + head) * config.headDim();
  }

  private void load(BlockAttention thread, int run, int kvHead, int firstToken, int endToken) {
    thread.load(
        runs.sequence(run),
        layer,
        kvHead,
        queries,
        offset(run, firstToken, firstHead(kvHead)),
        shard.headCount() * config.headDim(),
        heads(kvHead),
        endToken - firstToken,
        runs.startPosition(run) + firstToken);
  }

  private void store(SoftmaxSums sums, int run, int kvHead, int firstToken, int endToken) {
    int row = 0;
    for (int token = firstToken; token < endToken; token++) {
      int first = firstHead(kvHead);
      for (int head = first; head < first + heads(kvHead); head++) {
        sums.writeMean(row, out, offset(run, token, head), config.headDim());
        row++;
      }
    }
  }
}
