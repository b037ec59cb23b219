package org.kithlm.model.transformer;

import java.util.ArrayList;
import java.util.List;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.HalfFloats;
import org.kithlm.model.shard.RankShard;

/**
 * Keys and values of one rank's KV heads in 16-bit floats. It grows by blocks of {@value
 * #BLOCK_POSITIONS} positions, so that an unused context costs nothing, up to a fixed number of
 * positions. Owned by the rank's compute thread.
 *
 * <p>Within a block, values lie head by head, position by position; keys lie transposed, head by
 * head and element by element, so that the scores of consecutive positions are computed in the
 * lanes of a vector.
 */
public final class KvCache {
  /** Positions of one block. */
  static final int BLOCK_POSITIONS = 256;

  private record Block(short[] keys, short[] values) {}

  private final int headCount;
  private final int headDim;
  private final int positionsMax;
  private final List<List<Block>> layers = new ArrayList<>();
  private int length;

  /**
   * An empty cache for the KV heads of a rank, of which there may be none.
   *
   * @param positionsMax bound on positions
   */
  public KvCache(ModelConfig config, RankShard shard, int positionsMax) {
    if (positionsMax < 1) {
      throw new IllegalArgumentException("positionsMax=" + positionsMax + " must be at least 1");
    }
    headCount = shard.kvHeadCount();
    headDim = config.headDim();
    this.positionsMax = positionsMax;
    for (int layer = 0; layer < config.layerCount(); layer++) {
      layers.add(new ArrayList<>());
    }
  }

  /** Positions that are filled in every layer. */
  public int length() {
    return length;
  }

  /** The bound given at construction. */
  public int positionsMax() {
    return positionsMax;
  }

  /** Bytes that are allocated now. */
  public long allocatedBytes() {
    return layers.stream().mapToLong(List::size).sum() * 2L * Short.BYTES * blockLength();
  }

  /** KV heads of this rank. */
  int headCount() {
    return headCount;
  }

  /**
   * Makes room for a step and forgets what lies at and beyond its first position.
   *
   * @throws IllegalArgumentException if a gap would be left or the bound exceeded
   */
  void prepare(int startPosition, int positionCount) {
    if (startPosition < 0 || startPosition > length) {
      throw new IllegalArgumentException(
          "startPosition=" + startPosition + " would leave a gap: the cache holds " + length);
    }
    if (positionCount > positionsMax - startPosition) {
      throw new IllegalArgumentException(
          "startPosition="
              + startPosition
              + " positionCount="
              + positionCount
              + " exceeds the context of "
              + positionsMax
              + " positions");
    }
    length = startPosition;
    int blocks = Math.ceilDiv(startPosition + positionCount, BLOCK_POSITIONS);
    for (List<Block> layer : layers) {
      while (layer.size() < blocks) {
        layer.add(new Block(new short[blockLength()], new short[blockLength()]));
      }
    }
  }

  /** Tells that all layers have filled the step that was prepared. */
  void commit(int endPosition) {
    length = endPosition;
  }

  /** Stores the key and value of one head at one prepared position. */
  void write(
      int layer,
      int head,
      int position,
      float[] key,
      int keyOffset,
      float[] value,
      int valueOffset) {
    Block block = layers.get(layer).get(position / BLOCK_POSITIONS);
    int inBlock = position % BLOCK_POSITIONS;
    int headOffset = head * headDim * BLOCK_POSITIONS;
    for (int i = 0; i < headDim; i++) {
      block.keys[headOffset + i * BLOCK_POSITIONS + inBlock] =
          Float.floatToFloat16(key[keyOffset + i]);
    }
    HalfFloats.fromFloats(
        value, valueOffset, block.values, headOffset + inBlock * headDim, headDim);
  }

  /**
   * Widens the keys of one head at consecutive positions of one block, transposed: element i of
   * position p goes to {@code out[i * count + p - firstPosition]}. Elements of positions that were
   * never written are undefined.
   */
  void readKeys(int layer, int head, int firstPosition, int count, float[] out) {
    Block block = layers.get(layer).get(firstPosition / BLOCK_POSITIONS);
    int from = head * headDim * BLOCK_POSITIONS + firstPosition % BLOCK_POSITIONS;
    for (int i = 0; i < headDim; i++) {
      HalfFloats.toFloats(block.keys, from + i * BLOCK_POSITIONS, out, i * count, count);
    }
  }

  /** Widens the values of one head at consecutive positions of one block, position by position. */
  void readValues(int layer, int head, int firstPosition, int count, float[] out) {
    Block block = layers.get(layer).get(firstPosition / BLOCK_POSITIONS);
    int inBlock = firstPosition % BLOCK_POSITIONS;
    int from = (head * BLOCK_POSITIONS + inBlock) * headDim;
    HalfFloats.toFloats(block.values, from, out, 0, count * headDim);
  }

  private int blockLength() {
    return headCount * headDim * BLOCK_POSITIONS;
  }
}
