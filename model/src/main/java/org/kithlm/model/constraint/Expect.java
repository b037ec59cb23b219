package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;

/**
 * Before a value. At most one blank may come before it, so that no model goes on with blanks for
 * ever.
 *
 * @param parent goes on after the value
 * @param mayBlank whether a blank may come
 */
record Expect(Value value, Frame parent, boolean mayBlank) implements Frame {
  @Override
  public void next(int b, Frames out) {
    if (b == ' ' && mayBlank) {
      out.add(new Expect(value, parent, false));
    } else {
      value.open(b, parent, out);
    }
  }

  @Override
  public void close(ByteArrayOutputStream out) {
    value.writeShortest(out);
  }
}
