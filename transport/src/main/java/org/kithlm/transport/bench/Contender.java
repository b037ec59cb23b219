package org.kithlm.transport.bench;

/** A way to exchange a vector; every rank has one, and calls the same methods in the same order. */
interface Contender extends AutoCloseable {
  /** The rounds so far were for warming up. */
  default void warmedUp() {}

  /** Rounds of {@code length} floats are next. */
  void begin(int length);

  /** One round. */
  void round(float[] values, int length);

  /** Rounds of another contender are next. */
  default void end() {}

  @Override
  void close();
}
