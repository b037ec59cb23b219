package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.util.List;

/** Some values one behind the other. */
final class Sequence extends Value {
  private final List<Value> parts;

  /** A sequence of at least one part. */
  Sequence(List<Value> parts) {
    this.parts = List.copyOf(parts);
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    parts.getFirst().open(b, behind(0, parent), out);
  }

  private Frame behind(int part, Frame parent) {
    return part + 1 == parts.size() ? parent : new Rest(this, parent, part + 1);
  }

  @Override
  int measure() {
    return parts.stream().mapToInt(Value::shortestBytes).reduce(0, Value::sum);
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    parts.forEach(part -> part.writeShortest(out));
  }

  /**
   * Between two parts.
   *
   * @param from the next part
   */
  private record Rest(Sequence value, Frame parent, int from) implements Frame {
    @Override
    public void next(int b, Frames out) {
      value.parts.get(from).open(b, value.behind(from, parent), out);
    }

    @Override
    public void close(ByteArrayOutputStream out) {
      for (Value part : value.parts.subList(from, value.parts.size())) {
        part.writeShortest(out);
      }
    }
  }
}
