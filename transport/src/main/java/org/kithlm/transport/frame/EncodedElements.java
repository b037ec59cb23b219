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
  private int countWanted; // of which so many fitted
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

  /**
   * Encodes them as well, as they are wanted next.
   *
   * @param bytesMax the same until {@link #changed}: what was encoded last is not looked at again
   */
  @Override
  public int countIn(int first, int countMax, int bytesMax) {
    if (first != frameFirst || frameCount == 0 || countMax != countWanted) {
      encode(first, countMax, Math.min(bytesMax, frame.capacity()));
    }
    return frameCount;
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
      encode(first, count, frame.capacity());
      if (frameCount < count) {
        throw new IllegalArgumentException(
            count + " elements from " + first + " on do not fit into " + frame.capacity());
      }
    }
  }

  private void encode(int first, int countMax, int bytesMax) {
    double[] source = source(first, countMax);
    frameBytes = encoding.write(source, sourceIndex(first), countMax, frame, 0, bytesMax);
    frameFirst = first;
    frameCount = encoding.countIn(frame, 0, frameBytes, countMax);
    countWanted = countMax;
  }
}
