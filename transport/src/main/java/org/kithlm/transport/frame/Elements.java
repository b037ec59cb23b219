package org.kithlm.transport.frame;

import org.agrona.MutableDirectBuffer;

/** A vector as frames carry it. Owned by the session's thread. */
public interface Elements {
  /** Those of a frame without elements. */
  Elements NONE =
      new Elements() {
        @Override
        public int lengthBytes(int count) {
          return 0;
        }

        @Override
        public void write(int first, int count, MutableDirectBuffer target, int index) {}
      };

  /** Bytes of {@code count} elements. */
  int lengthBytes(int count);

  /** Writes the elements {@code [first, first + count)}, little-endian, from {@code index}. */
  void write(int first, int count, MutableDirectBuffer target, int index);
}
