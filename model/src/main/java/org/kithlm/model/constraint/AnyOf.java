package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.util.Comparator;
import java.util.List;

/** A value of at least one kind. All that a text may yet be are followed side by side. */
final class AnyOf extends Value {
  private final List<Value> values;

  AnyOf(List<Value> values) {
    this.values = List.copyOf(values);
  }

  List<Value> values() {
    return values;
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    for (Value value : values) {
      value.open(b, parent, out);
    }
  }

  @Override
  int measure() {
    return least().shortestBytes();
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    least().writeShortest(out);
  }

  private Value least() {
    return values.stream().min(Comparator.comparingInt(Value::shortestBytes)).orElseThrow();
  }
}
