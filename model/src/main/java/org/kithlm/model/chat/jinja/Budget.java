package org.kithlm.model.chat.jinja;

/**
 * What one rendering may still spend, so that a hostile template ends with a message instead of
 * hanging or filling the heap or stack. Real templates with 100 messages take about 10^5 steps.
 */
final class Budget {
  /** Evaluated nodes and visited elements; some seconds at worst. */
  static final int STEPS_MAX = 10_000_000;

  /** Characters made by all string operations together; bounds memory and output. */
  static final int CHARS_MAX = 64 << 20;

  /**
   * Nested evaluations. A level takes 100 to 500 bytes of stack, so this fits a 512 KiB stack; a
   * recursive macro takes about 12 levels a call.
   */
  static final int DEPTH_MAX = 500;

  /** Characters read that count as a step. */
  private static final int CHARS_PER_STEP = 64;

  private int steps;
  private int chars;
  private int depth;

  /** Counts one step. */
  void step() {
    steps(1);
  }

  /** Counts {@code count} steps. */
  void steps(long count) {
    if (count > STEPS_MAX - steps) {
      throw new JinjaException("takes more than " + STEPS_MAX + " steps");
    }
    steps += (int) count;
  }

  /** Counts the reading of a value, as a loop over a long text takes time too. */
  void read(Object value) {
    if (value instanceof Text text) {
      steps(text.length() / CHARS_PER_STEP);
    }
  }

  /** Counts a search, which compares the start of {@code wanted} again and again at worst. */
  void search(Text text, Text wanted) {
    steps((long) text.length() * (1 + wanted.length() / 16) / CHARS_PER_STEP);
  }

  /** Counts characters about to be made. */
  void chars(long count) {
    if (count > CHARS_MAX - chars) {
      throw new JinjaException("makes more than " + CHARS_MAX + " characters of text");
    }
    chars += (int) count;
  }

  /** Goes one level down; pair with {@link #exit}. */
  void enter() {
    if (depth == DEPTH_MAX) {
      throw new JinjaException("nests deeper than " + DEPTH_MAX + " levels");
    }
    depth++;
    step();
  }

  /** Comes back from {@link #enter}. */
  void exit() {
    depth--;
  }
}
