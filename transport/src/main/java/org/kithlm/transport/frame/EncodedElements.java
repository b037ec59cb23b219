package org.kithlm.transport.frame;

import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.kithlm.transport.SumEncoding;

/**
 * Terms or sums, in the session's encoding. Keeps the frame that it encoded last, as several peers
 * are often sent the same. Owned by the session's thread.
 */
abstract class EncodedElements implements Elements {
  private final SumEncoding encoding;
  private final UnsafeBuffer frame;
  private int frameFirst;
  private int frameCount;
  private int frameBytes;

  /**
   * Writes in {@code encoding}.
   *
   * @param bytesMax most of one frame
   */
  EncodedElements(SumEncoding encoding, int bytesMax) {
    this.encoding = encoding;
    frame = new UnsafeBuffer(new byte[bytesMax]);
  }

  /** Where {@link #source} has the element {@code first}. */
  abstract int sourceIndex(int first);

  /** Has the elements {@code [first, first + count)}. */
  abstract double[] source(int first, int count);

  /** The elements are others now. */
  void changed() {
    frameCount = 0;
  }

  @Override
  public int countIn(int first, int countMax, int bytesMax) {
    return encoding.countIn(source(first, countMax), sourceIndex(first), countMax, bytesMax);
  }

  @Override
  public int lengthBytes(int first, int count) {
    encode(first, count);
    return frameBytes;
  }

  @Override
  public int write(int first, int count, MutableDirectBuffer target, int index) {
    encode(first, count);
    target.putBytes(index, frame, 0, frameBytes);
    return frameBytes;
  }

  private void encode(int first, int count) {
    if (first != frameFirst || count != frameCount) {
      frameFirst = first;
      frameCount = count;
      frameBytes = encoding.write(source(first, count), sourceIndex(first), count, frame, 0);
    }
  }
}
