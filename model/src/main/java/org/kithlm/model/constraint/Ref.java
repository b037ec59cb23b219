package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A value that is described elsewhere, maybe by something that holds this. */
final class Ref extends Value {
  private @Nullable Value target;

  /** Says what it stands for, once. */
  void resolve(Value value) {
    target = value;
  }

  Value target() {
    return Objects.requireNonNull(target);
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    target().open(b, parent, out);
  }

  @Override
  int measure() {
    return target().shortestBytes();
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    target().writeShortest(out);
  }
}
