package org.kithlm.model.kernel;

/**
 * What a kernel takes at a time: all blocks of some row groups, or some blocks of one, or of two
 * where a vector holds the rows of a whole group. Those of a group lie one after another, and all
 * their scales fit into the L1 cache. Belongs to one thread.
 */
final class Chunk {
  /** Columns of quantized weights at most, of all groups together unless there are just two. */
  static final int COLUMNS_MAX = 1024;

  /** Columns of floats at most: 256 x 16 rows x 4 B = 16 KiB. */
  static final int FLOAT_COLUMNS_MAX = 256;

  /** Address of the first interleaved block. */
  long address;

  /** Bytes of an interleaved block. */
  int blockBytes;

  /** Bytes from the first block of a group to that of the next. */
  long groupBytes;

  /** Bytes from its start to its payload. */
  int payloadOffset;

  /** Bytes from the start of a block to its f16 minima; to its scales where there are none. */
  int minimaOffset;

  /** What f16 minima count: 0 where there are none. */
  float minimaFactor;

  /** Scales that a minimum grows by, as q lies around 0. */
  float minimaScales;

  /** Row groups. */
  int groups;

  /** Blocks of each group. */
  int blocks;

  /** Runs of 32 columns in a block: 1 or 8; 0 for floats. */
  int subBlocks;

  /**
   * For each run with a scale of its own (32 columns; 16 of Q6_K; 1 of floats) one for each row.
   */
  final float[] scales = new float[FLOAT_COLUMNS_MAX * 16];

  /** For each run of 32 columns what is added to a weight that is 0, in each row. */
  final float[] minima = new float[2 * COLUMNS_MAX / 32 * 16];

  /** Interleaved blocks in all. */
  int blockCount() {
    return groups * blocks;
  }

  /** Address of one of them, those of a group in their order. */
  long blockAddress(int block) {
    return address + block / blocks * groupBytes + (long) (block % blocks) * blockBytes;
  }
}
