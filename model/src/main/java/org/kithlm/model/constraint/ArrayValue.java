package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** An array: some items of their own kinds, then more of one kind. */
final class ArrayValue extends Value {
  /** No upper bound. */
  static final int UNBOUNDED = Integer.MAX_VALUE;

  private final List<Value> first;
  private final @Nullable Value others;
  private final int minItems;
  private final int maxItems;

  /**
   * An array.
   *
   * @param first the first items, in order
   * @param others each further item, null where there must be none
   */
  ArrayValue(List<Value> first, @Nullable Value others, int minItems, int maxItems) {
    this.first = List.copyOf(first);
    this.others = others;
    this.minItems = minItems;
    this.maxItems = others == null ? Math.min(first.size(), maxItems) : maxItems;
  }

  private Value item(int index) {
    return index < first.size() ? first.get(index) : Objects.requireNonNull(others);
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    if (b != '[') {
      return;
    }
    out.add(
        parent.depth() < MAX_DEPTH
            ? new Items(this, parent, 0, true)
            : new Closing(shortest(), parent, 1));
  }

  @Override
  int measure() {
    if (minItems > maxItems) {
      return NONE;
    }
    int bytes = 2 + Math.max(0, minItems - 1);
    for (int i = 0; i < Math.min(first.size(), minItems); i++) {
      bytes = sum(bytes, first.get(i).shortestBytes());
    }
    return minItems <= first.size()
        ? bytes
        : sum(bytes, product(item(minItems).shortestBytes(), minItems - first.size()));
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    out.write('[');
    new Items(this, Frame.End.INSTANCE, 0, true).close(out);
  }

  /**
   * Between the brackets, before the first item or behind one.
   *
   * @param count items so far; not counted beyond what matters
   */
  private record Items(ArrayValue value, Frame parent, int count, boolean empty) implements Frame {
    @Override
    public void next(int b, Frames out) {
      if (b == ']') {
        if (count >= value.minItems) {
          out.add(parent);
        }
      } else if (count < value.maxItems) {
        if (empty) {
          value.item(count).open(b, behindItem(), out);
        } else if (b == ',') {
          out.add(new Expect(value.item(count), behindItem(), true));
        }
      }
    }

    private Items behindItem() {
      int next = count + 1;
      if (value.maxItems == UNBOUNDED) {
        next = Math.min(next, Math.max(value.minItems, value.first.size()));
      }
      return !empty && next == count ? this : new Items(value, parent, next, false);
    }

    @Override
    public void close(ByteArrayOutputStream out) {
      for (int i = count; i < value.minItems; i++) {
        if (i > 0) {
          out.write(',');
        }
        value.item(i).writeShortest(out);
      }
      out.write(']');
    }

    @Override
    public int depth() {
      return parent.depth() + 1;
    }
  }
}
