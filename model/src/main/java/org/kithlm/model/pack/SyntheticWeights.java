package org.kithlm.model.pack;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.RowGroups;

/**
 * Made-up weights of a K-quant with 4 bits, interleaved as in a pack: about 9 MB of blocks drawn
 * once, from which each piece takes a run that starts at a place of its own. Weights are uniform
 * around zero with a standard deviation of about {@value #DEVIATION}. Owned by one thread.
 */
final class SyntheticWeights {
  static final GgmlType TYPE = GgmlType.Q4_K;

  private static final double DEVIATION = 0.02;
  private static final int BLOCKS = 4096;
  private static final int SCALES = 8;
  private static final int SCALES_OFFSET = 4;
  private static final int SCALE_MIN = 24;
  private static final int SCALE_MAX = 60;

  /** Of the integers 0 to 15, which have the mean 7.5. */
  private static final double DEVIATION_OF_INTEGERS = 4.61;

  private static final float STEP =
      (float) (DEVIATION / DEVIATION_OF_INTEGERS / ((SCALE_MIN + SCALE_MAX) / 2.0));

  /** A minimum is its scale times this, so that the weights have the mean 0. */
  private static final float MINIMUM = 7.5f * STEP;

  private final int blockBytes = RowGroups.ROWS * TYPE.blockBytes();
  private final ByteBuffer pool = ByteBuffer.allocateDirect(BLOCKS * blockBytes);
  private final Random places;

  SyntheticWeights(long seed) {
    Random random = new Random(seed);
    places = new Random(random.nextLong());
    byte[] rows = new byte[blockBytes];
    byte[] group = new byte[blockBytes];
    for (int block = 0; block < BLOCKS; block++) {
      random.nextBytes(rows);
      for (int row = 0; row < RowGroups.ROWS; row++) {
        putScales(rows, row * TYPE.blockBytes(), random);
      }
      RowGroups.of(TYPE)
          .interleave(rows, 0, TYPE.blockBytes(), RowGroups.ROWS, TYPE.blockBytes(), group, 0);
      pool.put(group);
    }
    pool.clear();
  }

  /** Sets step, minimum and the 6-bit scales of a block, which are those of its minima, too. */
  private static void putScales(byte[] block, int at, Random random) {
    putHalf(block, at, STEP);
    putHalf(block, at + Short.BYTES, MINIMUM);
    int scales = at + SCALES_OFFSET;
    for (int i = 0; i < SCALES / 2; i++) {
      int low = random.nextInt(SCALE_MIN, SCALE_MAX + 1);
      int high = random.nextInt(SCALE_MIN, SCALE_MAX + 1);
      block[scales + i] = (byte) (low | (high >> 4 << 6));
      block[scales + SCALES / 2 + i] = block[scales + i];
      block[scales + SCALES + i] = (byte) ((high & 0xF) * 0x11);
    }
  }

  private static void putHalf(byte[] block, int at, float value) {
    short half = Float.floatToFloat16(value);
    block[at] = (byte) half;
    block[at + 1] = (byte) (half >> Byte.SIZE);
  }

  /** Takes a run of the pool that goes on at its start; each call gives the next one. */
  void fill(long lengthBytes, Sink sink) throws IOException {
    long left = lengthBytes;
    int from = places.nextInt(BLOCKS) * blockBytes;
    while (left > 0) {
      int length = (int) Math.min(left, pool.capacity() - from);
      sink.accept(pool.slice(from, length));
      left -= length;
      from = 0;
    }
  }

  /** Takes a part of a run. */
  @FunctionalInterface
  interface Sink {
    void accept(ByteBuffer bytes) throws IOException;
  }
}
