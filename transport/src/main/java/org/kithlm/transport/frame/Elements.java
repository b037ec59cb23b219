package org.kithlm.transport.frame;

import org.agrona.MutableDirectBuffer;

/** A vector as frames carry it. Owned by the session's thread. */
public interface Elements {
  /** Those of a frame without elements. */
  Elements NONE =
      new Elements() {
        @Override
        public int countIn(int first, int countMax, int bytesMax) {
          return countMax;
        }

        @Override
        public int lengthBytes(int first, int count) {
          return 0;
        }

        @Override
        public int write(int first, int count, MutableDirectBuffer target, int index) {
          return 0;
        }
      };

  /**
   * How many elements from {@code first} on fit into {@code bytesMax}, {@code countMax} at most.
   */
  int countIn(int first, int countMax, int bytesMax);

  /** Bytes of the elements {@code [first, first + count)}. */
  int lengthBytes(int first, int count);

  /**
   * Writes the elements {@code [first, first + count)}, little-endian, from {@code index}.
   *
   * @return their bytes
   */
  int write(int first, int count, MutableDirectBuffer target, int index);
}
