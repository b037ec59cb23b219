package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;

/**
 * Within the shortest form of a value, where no other is allowed.
 *
 * @param text the form
 * @param at how many of its bytes there are, fewer than all
 */
record Closing(byte[] text, Frame parent, int at) implements Frame {
  @Override
  public void next(int b, Frames out) {
    if (b == Byte.toUnsignedInt(text[at])) {
      out.add(at + 1 == text.length ? parent : new Closing(text, parent, at + 1));
    }
  }

  @Override
  public void close(ByteArrayOutputStream out) {
    out.write(text, at, text.length - at);
  }
}
