package org.kithlm.model.constraint;

/**
 * Well-formed UTF-8 byte by byte (Unicode 16, table 3-7): a state says what the next byte of a
 * character may be.
 */
final class Utf8 {
  /** Between two characters. */
  static final int START = 0;

  /** No well-formed text begins so. */
  static final int WRONG = -1;

  /** How many states there are. */
  static final int STATES = 8;

  // 1 to 3: so many bytes of 80 to BF follow. The others narrow the first of them.
  private static final int AFTER_E0 = 4;
  private static final int AFTER_ED = 5;
  private static final int AFTER_F0 = 6;
  private static final int AFTER_F4 = 7;

  private Utf8() {}

  /** The state after a byte, or {@link #WRONG}. */
  static int next(int state, int b) {
    return switch (state) {
      case START -> lead(b);
      case 1, 2, 3 -> within(b, 0x80, 0xBF, state - 1);
      case AFTER_E0 -> within(b, 0xA0, 0xBF, 1);
      case AFTER_ED -> within(b, 0x80, 0x9F, 1);
      case AFTER_F0 -> within(b, 0x90, 0xBF, 2);
      default -> within(b, 0x80, 0x8F, 2);
    };
  }

  /** A byte that may follow in a state other than {@link #START}. */
  static int filler(int state) {
    return switch (state) {
      case AFTER_E0 -> 0xA0;
      case AFTER_F0 -> 0x90;
      default -> 0x80;
    };
  }

  private static int lead(int b) {
    if (b < 0x80) {
      return START;
    }
    if (b < 0xC2 || b > 0xF4) {
      return WRONG;
    }
    if (b < 0xE0) {
      return 1;
    }
    if (b < 0xF0) {
      return b == 0xE0 ? AFTER_E0 : b == 0xED ? AFTER_ED : 2;
    }
    return b == 0xF0 ? AFTER_F0 : b == 0xF4 ? AFTER_F4 : 3;
  }

  private static int within(int b, int min, int max, int next) {
    return b >= min && b <= max ? next : WRONG;
  }
}
