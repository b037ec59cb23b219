package org.kithlm.node.rank;

import java.util.List;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.transformer.KvCache;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.RankAssignment;

/**
 * What a rank's process may use in memory, as a control group counts it, and what of it is left for
 * weights. Bytes throughout; docs/memory.md tells how the reserves were measured.
 *
 * @param processBytes for the whole process; {@link #UNLIMITED} for as much as it needs
 * @param heapBytes the largest Java heap, with activations, vocabulary and HTTP
 * @param transportBytes log buffers and counters of Aeron
 * @param kvBytes keys and values of the whole context
 * @param kvBytesPerPosition keys and values of one position
 */
record MemoryBudget(
    long processBytes, long heapBytes, long transportBytes, long kvBytes, long kvBytesPerPosition) {
  /** No limit is known. */
  static final long UNLIMITED = Long.MAX_VALUE;

  /** Classes, compiled code, thread stacks, the JVM's own data and its mapped libraries. */
  static final long JVM_BYTES = 168L << 20;

  /** Counters, commands and the loss report of the media driver. */
  private static final long DRIVER_BYTES = 6 << 20;

  /**
   * A heap that is enough for models of a few billion weights, if slower on long prompts; what
   * {@link StepSize} finds too small it refuses with the size that works.
   */
  private static final long SMALL_HEAP_BYTES = 48 << 20;

  /** A log buffer of three terms of 256 KiB for each direction of a link. */
  private static final long LINK_BYTES = 2 * 3 * (256 << 10);

  /** The budget of a rank in a process with this largest heap. */
  static MemoryBudget of(
      long processBytes,
      long heapBytes,
      ModelConfig config,
      RankShard shard,
      RankAssignment assignment) {
    boolean leafOfStar = shard.rank() > 0 && assignment.collective() == CollectiveChoice.STAR;
    int links = leafOfStar ? 1 : shard.worldSize() - 1;
    long perPosition =
        2L
            * config.layerCount()
            * shard.kvHeadCount()
            * assignment.kvType().bytes(config.headDim());
    long positions =
        (long) Math.ceilDiv(assignment.contextLength(), KvCache.BLOCK_POSITIONS)
            * KvCache.BLOCK_POSITIONS;
    return new MemoryBudget(
        processBytes,
        heapBytes,
        links == 0 ? 0 : DRIVER_BYTES + links * LINK_BYTES,
        perPosition * positions,
        perPosition);
  }

  /** What is left for weights; not positive where the reserves alone are too much. */
  long weightBytes() {
    return processBytes - fixedBytes() - kvBytes;
  }

  /**
   * Checks that the weights can be worked on.
   *
   * @param weightBytesMin the smallest budget that they can be streamed through
   * @param weightBytesAll what they are in total
   * @throws DoesNotFitException if they cannot; the message has the numbers, the smallest budget
   *     that works and, if any, the longest context and the heap that work in this one
   */
  void require(long weightBytesMin, long weightBytesAll) {
    if (weightBytes() >= weightBytesMin) {
      return;
    }
    long needed = processBytes(weightBytesMin);
    int fits = longestContext(weightBytesMin);
    boolean heapHelps = needed - processBytes <= heapBytes - SMALL_HEAP_BYTES;
    String smallerHeap = heapHelps ? " or KITH_HEAP=" + (SMALL_HEAP_BYTES >> 20) + "m" : "";
    String shorter = fits > 0 && kvBytes > 0 ? " or --context " + fits : "";
    throw new DoesNotFitException(
        String.join(
            " ",
            List.of(
                mebibytes(processBytes),
                "of memory are too little: Java heap",
                mebibytes(heapBytes) + ", JVM",
                mebibytes(JVM_BYTES) + ", transport",
                mebibytes(transportBytes) + ", KV cache of the context",
                mebibytes(kvBytes) + ", at least",
                mebibytes(weightBytesMin) + " for",
                mebibytes(weightBytesAll) + " of weights; the smallest that works is --memory",
                ceilMebibytes(needed) + "M" + shorter + smallerHeap)));
  }

  /** What the process must be allowed to use for so much of the weights. */
  long processBytes(long weightBytes) {
    return fixedBytes() + kvBytes + weightBytes;
  }

  /**
   * Positions whose keys and values fit, in whole blocks; 0 if none do.
   *
   * @param weightBytesMin as for {@link #require}
   */
  int longestContext(long weightBytesMin) {
    long free = processBytes - fixedBytes() - weightBytesMin;
    if (free < 0) {
      return 0;
    }
    long blocksMax = Integer.MAX_VALUE / KvCache.BLOCK_POSITIONS;
    long blockBytes = kvBytesPerPosition * KvCache.BLOCK_POSITIONS;
    long blocks = blockBytes == 0 ? blocksMax : Math.min(free / blockBytes, blocksMax);
    return (int) blocks * KvCache.BLOCK_POSITIONS;
  }

  private long fixedBytes() {
    return heapBytes + JVM_BYTES + transportBytes;
  }

  private static String mebibytes(long bytes) {
    return ceilMebibytes(bytes) + " MiB";
  }

  private static long ceilMebibytes(long bytes) {
    return Math.ceilDiv(bytes, 1 << 20);
  }
}
