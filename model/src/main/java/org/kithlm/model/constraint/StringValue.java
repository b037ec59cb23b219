package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** A string with a number of characters (code points) within bounds. */
final class StringValue extends Value {
  /** No upper bound. */
  static final int UNBOUNDED = Integer.MAX_VALUE;

  // States of a frame beside those of Utf8.
  private static final int ESCAPE = Utf8.STATES; // behind a backslash
  private static final int HEX_4 = ESCAPE + 1; // so many hexadecimal digits follow
  private static final int HEX_3 = ESCAPE + 2;
  private static final int HEX_3_AFTER_D = ESCAPE + 3; // D800 to DFFF are no characters
  private static final int HEX_2 = ESCAPE + 4;
  private static final int HEX_1 = ESCAPE + 5;

  private final int minLength;
  private final int maxLength;

  StringValue(int minLength, int maxLength) {
    this.minLength = minLength;
    this.maxLength = maxLength;
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    if (b == '"') {
      out.add(new Content(this, parent, 0, Utf8.START));
    }
  }

  @Override
  int measure() {
    return minLength <= maxLength ? sum(minLength, 2) : NONE;
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    out.write('"');
    new Content(this, Frame.End.INSTANCE, 0, Utf8.START).close(out);
  }

  /**
   * Within the quotes.
   *
   * @param length characters so far, the one under way included; not counted beyond what matters
   * @param state where the character under way is
   */
  private record Content(StringValue value, Frame parent, int length, int state) implements Frame {
    @Override
    public void next(int b, Frames out) {
      if (state == Utf8.START) {
        if (b == '"') {
          if (length >= value.minLength) {
            out.add(parent);
          }
        } else if (b >= ' ' && length < value.maxLength) {
          go(b == '\\' ? ESCAPE : Utf8.next(state, b), counted(), out);
        }
      } else {
        go(state < Utf8.STATES ? Utf8.next(state, b) : escaped(b), length, out);
      }
    }

    private int counted() {
      return value.maxLength == UNBOUNDED ? Math.min(length + 1, value.minLength) : length + 1;
    }

    private void go(int nextState, int nextLength, Frames out) {
      if (nextState == state && nextLength == length) {
        out.add(this);
      } else if (nextState != Utf8.WRONG) {
        out.add(new Content(value, parent, nextLength, nextState));
      }
    }

    private int escaped(int b) {
      if (state == ESCAPE) {
        return b == 'u' ? HEX_4 : "\"\\/bfnrt".indexOf(b) >= 0 ? Utf8.START : Utf8.WRONG;
      }
      int digit = b < 0x80 ? Character.digit(b, 16) : -1;
      if (digit < 0 || (state == HEX_3_AFTER_D && digit > 7)) {
        return Utf8.WRONG;
      }
      return switch (state) {
        case HEX_4 -> digit == 0xD ? HEX_3_AFTER_D : HEX_3;
        case HEX_3, HEX_3_AFTER_D -> HEX_2;
        case HEX_2 -> HEX_1;
        default -> Utf8.START;
      };
    }

    @Override
    public void close(ByteArrayOutputStream out) {
      int rest = state;
      while (rest != Utf8.START && rest < Utf8.STATES) {
        int b = Utf8.filler(rest);
        out.write(b);
        rest = Utf8.next(rest, b);
      }
      // What makes a blank of a code that has just begun.
      String digits =
          switch (rest) {
            case ESCAPE -> "n";
            case HEX_4 -> "0020";
            case HEX_3, HEX_3_AFTER_D -> "020";
            case HEX_2 -> "20";
            case HEX_1 -> "0";
            default -> "";
          };
      out.writeBytes(ascii(digits + " ".repeat(Math.max(0, value.minLength - length)) + '"'));
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
