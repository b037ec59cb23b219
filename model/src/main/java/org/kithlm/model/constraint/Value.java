package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;

/**
 * What a value may be. Values refer to each other, also in circles; once their grammar is made they
 * do not change.
 */
abstract class Value {
  /** The shortest form where none is known. */
  static final int NONE = Integer.MAX_VALUE;

  /** Objects and arrays in each other; what would go deeper takes its shortest form. */
  static final int MAX_DEPTH = 64;

  private int shortestBytes = NONE;

  /** Before such a value. */
  Frame before(Frame parent) {
    return new Expect(this, parent, false);
  }

  /** Adds what the first byte of such a value leads to. */
  abstract void open(int b, Frame parent, Frames out);

  /** Length of the shortest such value by what is known of its parts, or {@link #NONE}. */
  abstract int measure();

  /** Writes the shortest such value. */
  abstract void writeShortest(ByteArrayOutputStream out);

  /** Measures anew; whether that gave less than before. It ends when no value gives less. */
  final boolean improve() {
    int before = shortestBytes;
    shortestBytes = Math.min(before, measure());
    return shortestBytes < before;
  }

  /** Length of the shortest such value, or {@link #NONE}. */
  final int shortestBytes() {
    return shortestBytes;
  }

  /** The shortest such value. */
  final byte[] shortest() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    writeShortest(out);
    return out.toByteArray();
  }

  /** A sum of lengths, {@link #NONE} where one of them is. */
  static int sum(long a, long b) {
    return (int) Math.min(NONE, a + b);
  }

  /** A product of a length and a count, {@link #NONE} where it is too large. */
  static int product(long a, long count) {
    return count == 0 ? 0 : (int) Math.min(NONE, a * count);
  }
}
