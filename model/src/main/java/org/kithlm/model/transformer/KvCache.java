package org.kithlm.model.transformer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.HalfFloats;
import org.kithlm.model.kernel.QuantizedFloats;
import org.kithlm.model.shard.RankShard;

/**
 * Keys and values of one rank's KV heads in 16 or 8 bits, outside the Java heap. It grows by blocks
 * of {@value #BLOCK_POSITIONS} positions, so that an unused context costs nothing, up to a fixed
 * number of positions. Owned by the rank's compute thread; the threads that share its work may
 * read.
 *
 * <p>It holds the sequences of {@link StepRuns}. A branch has the full blocks of the stem that come
 * before the position at which it leaves it, and a copy of the one that it leaves it in. It is
 * there from its first step until a run of the stem, or of a branch that leaves it elsewhere, does
 * not keep it. All sequences together have as many blocks as one of the most positions.
 *
 * <p>A block holds, head by head, the keys and then the values. Values lie position by position.
 * Keys lie in tiles of {@value #TILE_POSITIONS} positions, and within a tile transposed, element by
 * element, so that the scores of consecutive positions are computed in the lanes of a vector: a
 * tile is read front to back, and in 16 bits its rows of 64 bytes are whole cache lines. The steps
 * of 8-bit integers follow the tile's elements, and those of a value.
 */
public final class KvCache implements AutoCloseable {
  /** Positions of one block. */
  public static final int BLOCK_POSITIONS = 128;

  /** Positions of a page, in which the stem is copied out and in. */
  public static final int PAGE_POSITIONS = 64;

  /** Positions whose keys are transposed together. */
  static final int TILE_POSITIONS = 32;

  private static final long ALIGNMENT_BYTES = 64;

  private final KvType type;
  private final int headCount;
  private final int headDim;
  private final long vectorBytes; // of a key or value
  private final int positionsMax;
  private final int layerCount;
  private final BlockTable[] tables = new BlockTable[StepRuns.MAX]; // by sequence
  private final List<MemorySegment> free = new ArrayList<>();
  private final Arena arena;
  private long allocated; // blocks, of all layers
  private int pagesEnd; // of the room for pages that are copied in

  /**
   * An empty cache for the KV heads of a rank, of which there may be none.
   *
   * @param type how elements are kept
   * @param positionsMax bound on positions
   */
  @SuppressWarnings("MustBeClosedChecker") // close() closes the arena
  public KvCache(ModelConfig config, RankShard shard, KvType type, int positionsMax) {
    if (positionsMax < 1) {
      throw new IllegalArgumentException("positionsMax=" + positionsMax + " must be at least 1");
    }
    this.type = type;
    headCount = shard.kvHeadCount();
    headDim = config.headDim();
    vectorBytes = type.bytes(headDim);
    this.positionsMax = positionsMax;
    layerCount = config.layerCount();
    for (int sequence = 0; sequence < tables.length; sequence++) {
      tables[sequence] = new BlockTable(layerCount);
    }
    arena = Arena.ofShared();
  }

  /** Positions of the stem that are filled in every layer. */
  public int length() {
    return tables[StepRuns.STEM].length;
  }

  /** The bound given at construction. */
  public int positionsMax() {
    return positionsMax;
  }

  /** Bytes that are allocated now. */
  public long allocatedBytes() {
    return allocated * blockBytes();
  }

  /** Bytes that a position takes, in all layers. */
  public long bytesPerPosition() {
    return layerCount * blockBytes() / BLOCK_POSITIONS;
  }

  /** Bytes of a page of one head: its keys and values in all layers. */
  public long pageBytes() {
    return 2L * layerCount * pageHalfBytes();
  }

  /** KV heads of this rank. */
  public int headCount() {
    return headCount;
  }

  /**
   * Copies a page of one head out of the stem, as it is kept: layer by layer keys, then values.
   *
   * @param page number of the page; its positions are filled
   * @param out takes {@link #pageBytes} at its start
   */
  public void copyPage(int head, int page, MemorySegment out) {
    requirePage(page, length());
    for (int layer = 0; layer < layerCount; layer++) {
      MemorySegment block = block(StepRuns.STEM, layer, page * PAGE_POSITIONS);
      long to = 2L * layer * pageHalfBytes();
      MemorySegment.copy(block, pageKeys(head, page), out, to, pageHalfBytes());
      MemorySegment.copy(block, pageValues(head, page), out, to + pageHalfBytes(), pageHalfBytes());
    }
  }

  /**
   * Makes room for pages that are copied in, up to a position; the stem forgets what lies at and
   * beyond {@code held}, and branches are dropped.
   *
   * @throws IllegalArgumentException if a gap would be left or the bound exceeded
   * @throws IllegalStateException if there is not enough memory; the stem then ends at {@code held}
   */
  public void beginPages(int held, int end) {
    prepare(StepRuns.STEM, 0, held, end - held);
    pagesEnd = end;
  }

  /**
   * Copies a page of one head into the room that was made; the reverse of {@link #copyPage}.
   * Positions of the page that the stem holds already must get what they have.
   */
  public void putPage(int head, int page, MemorySegment in) {
    requirePage(page, pagesEnd);
    for (int layer = 0; layer < layerCount; layer++) {
      MemorySegment block = block(StepRuns.STEM, layer, page * PAGE_POSITIONS);
      long from = 2L * layer * pageHalfBytes();
      MemorySegment.copy(in, from, block, pageKeys(head, page), pageHalfBytes());
      MemorySegment.copy(
          in, from + pageHalfBytes(), block, pageValues(head, page), pageHalfBytes());
    }
  }

  /** Tells up to which position the stem is filled, at most to the end of the room. */
  public void endPages(int filled) {
    if (filled < length() || filled > pagesEnd) {
      throw new IllegalArgumentException(
          "filled=" + filled + " is out of range: " + length() + " to " + pagesEnd);
    }
    tables[StepRuns.STEM].length = filled;
    pagesEnd = 0;
  }

  private static void requirePage(int page, int end) {
    if (page < 0 || page >= end / PAGE_POSITIONS) {
      throw new IllegalArgumentException("page=" + page + " of " + end + " positions");
    }
  }

  private long pageKeys(int head, int page) {
    return tileBytes(head, page * PAGE_POSITIONS);
  }

  private long pageValues(int head, int page) {
    return valueBytes(head, page * PAGE_POSITIONS);
  }

  /** Bytes of the keys, or of the values, of one head in a layer of a page. */
  private long pageHalfBytes() {
    return PAGE_POSITIONS * vectorBytes;
  }

  /**
   * Makes room for a step; of its sequences it forgets what lies at and beyond their first
   * positions.
   *
   * @throws IllegalArgumentException if a gap would be left or the bound exceeded
   * @throws IllegalStateException if there is not enough memory; the sequences then end where the
   *     step starts
   */
  void prepare(StepRuns runs) {
    for (int run = 0; run < runs.count(); run++) {
      prepare(
          runs.sequence(run), runs.stemLength(run), runs.startPosition(run), runs.tokenCount(run));
    }
  }

  private void prepare(int sequence, int stemLength, int startPosition, int positionCount) {
    BlockTable table = tables[sequence];
    dropBranches(sequence == StepRuns.STEM && stemLength == 0 ? BlockTable.ABSENT : stemLength);
    boolean leaves = sequence != StepRuns.STEM && table.stemLength == BlockTable.ABSENT;
    int held = leaves ? Math.min(stemLength, length()) : table.length;
    if (startPosition < 0 || startPosition > held) {
      throw new IllegalArgumentException(
          "startPosition=" + startPosition + " would leave a gap: the cache holds " + held);
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
    if (leaves) {
      leaveStem(table, stemLength);
    }
    table.length = startPosition;
    if (headCount > 0) {
      int blocks = KvBlocks.of(startPosition + positionCount);
      table.trim(blocks, free);
      for (int layer = 0; layer < layerCount; layer++) {
        while (table.blockCount(layer) < blocks) {
          table.add(layer, takeBlock(table.blockCount(layer) * BLOCK_POSITIONS));
        }
      }
    }
  }

  /** All but those that share so many positions. */
  private void dropBranches(int stemLength) {
    for (int sequence = StepRuns.STEM + 1; sequence < tables.length; sequence++) {
      if (tables[sequence].stemLength != stemLength) {
        tables[sequence].drop(free);
      }
    }
  }

  private void leaveStem(BlockTable branch, int stemLength) {
    BlockTable stem = tables[StepRuns.STEM];
    branch.drop(free); // what is left of an attempt without memory
    if (headCount > 0) {
      int full = stemLength / BLOCK_POSITIONS;
      branch.share(stem, full);
      for (int layer = 0; layer < layerCount && stemLength % BLOCK_POSITIONS != 0; layer++) {
        MemorySegment copy = takeBlock(full * BLOCK_POSITIONS);
        branch.add(layer, copy);
        copy.copyFrom(stem.block(layer, full));
      }
    }
    branch.stemLength = stemLength;
  }

  private MemorySegment takeBlock(int firstPosition) {
    if (!free.isEmpty()) {
      return free.removeLast();
    }
    if (allocated == (long) KvBlocks.of(positionsMax) * layerCount) {
      throw new IllegalArgumentException(
          "no block is left for position "
              + firstPosition
              + ": all sequences together have room for "
              + positionsMax
              + " positions");
    }
    try {
      MemorySegment block = arena.allocate(blockBytes(), ALIGNMENT_BYTES);
      allocated++;
      return block;
    } catch (OutOfMemoryError e) {
      throw new IllegalStateException(
          "no memory for the KV cache beyond position "
              + firstPosition
              + ": "
              + blockBytes()
              + " more bytes were refused, "
              + allocatedBytes()
              + " are in use; ask for a shorter context",
          e);
    }
  }

  /** Tells that all layers have filled the step that was prepared. */
  void commit(StepRuns runs) {
    for (int run = 0; run < runs.count(); run++) {
      tables[runs.sequence(run)].length = runs.startPosition(run) + runs.tokenCount(run);
    }
  }

  /** Stores the key and value of one head at one prepared position. */
  void write(
      int sequence,
      int layer,
      int head,
      int position,
      float[] key,
      int keyOffset,
      float[] value,
      int valueOffset) {
    MemorySegment block = block(sequence, layer, position);
    long tile = tileBytes(head, position);
    int column = position % TILE_POSITIONS;
    long valueBytes = valueBytes(head, position);
    switch (type) {
      case F16 -> {
        HalfFloats.fromFloats(
            key,
            keyOffset,
            block,
            tile + (long) column * Short.BYTES,
            (long) TILE_POSITIONS * Short.BYTES,
            headDim);
        HalfFloats.fromFloats(value, valueOffset, block, valueBytes, Short.BYTES, headDim);
      }
      case Q8 -> {
        long steps = tile + (long) TILE_POSITIONS * headDim;
        long keySteps = steps + (long) column * Float.BYTES;
        quantize(key, keyOffset, block, tile + column, keySteps, TILE_POSITIONS);
        quantize(value, valueOffset, block, valueBytes, valueBytes + headDim, 1);
      }
    }
  }

  /**
   * Rounds a key or value to 8 bits.
   *
   * @param stride from one integer to the next and, in floats, from one step to the next
   */
  private void quantize(
      float[] in, int inOffset, MemorySegment block, long outBytes, long stepBytes, int stride) {
    for (int i = 0; i < headDim; i += QuantizedFloats.BLOCK) {
      int length = Math.min(QuantizedFloats.BLOCK, headDim - i);
      long out = outBytes + (long) i * stride;
      float step = QuantizedFloats.round(in, inOffset + i, length, block, out, stride);
      QuantizedFloats.putStep(
          block, stepBytes + (long) i / QuantizedFloats.BLOCK * stride * Float.BYTES, step);
    }
  }

  /**
   * Widens the keys of one head in a tile, transposed: element i of position p goes to {@code out[i
   * * TILE_POSITIONS + p - firstPosition]}. Elements of positions that were never written are
   * undefined.
   *
   * @param firstPosition of the tile, a multiple of {@value #TILE_POSITIONS}
   */
  void readKeys(int sequence, int layer, int head, int firstPosition, float[] out) {
    MemorySegment block = block(sequence, layer, firstPosition);
    long from = tileBytes(head, firstPosition);
    switch (type) {
      case F16 -> HalfFloats.toFloats(block, from, out, 0, headDim * TILE_POSITIONS);
      case Q8 -> QuantizedFloats.columnsToFloats(block, from, out, 0, headDim);
    }
  }

  /**
   * Widens the values of one head at consecutive positions of one block, position by position.
   *
   * @param stride from one position of {@code out} to the next, at least the width of a head
   */
  void readValues(
      int sequence, int layer, int head, int firstPosition, int count, float[] out, int stride) {
    MemorySegment block = block(sequence, layer, firstPosition);
    long from = valueBytes(head, firstPosition);
    if (type == KvType.Q8) {
      for (int i = 0; i < count; i++) {
        QuantizedFloats.toFloats(block, from + i * vectorBytes, out, i * stride, headDim);
      }
    } else if (stride == headDim) {
      HalfFloats.toFloats(block, from, out, 0, count * headDim);
    } else {
      for (int i = 0; i < count; i++) {
        HalfFloats.toFloats(block, from + i * vectorBytes, out, i * stride, headDim);
      }
    }
  }

  private MemorySegment block(int sequence, int layer, int position) {
    return tables[sequence].block(layer, position / BLOCK_POSITIONS);
  }

  /** Offset in its block of the tile of keys that holds a position. */
  private long tileBytes(int head, int position) {
    int tile = position % BLOCK_POSITIONS / TILE_POSITIONS;
    return head * headBytes() + (long) tile * TILE_POSITIONS * vectorBytes;
  }

  /** Offset of a value in its block; values follow the keys of their head. */
  private long valueBytes(int head, int position) {
    return head * headBytes() + (BLOCK_POSITIONS + position % BLOCK_POSITIONS) * vectorBytes;
  }

  /** Bytes of one head's keys and values in a block. */
  private long headBytes() {
    return 2L * BLOCK_POSITIONS * vectorBytes;
  }

  private long blockBytes() {
    return headCount * headBytes();
  }

  /** Frees the memory; nothing may be read or written any more. */
  @Override
  public void close() {
    arena.close();
  }
}
