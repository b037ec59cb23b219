package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** One of some texts: the values of an enumeration, {@code true}, what stands around a value. */
final class EnumValue extends Value {
  private final byte[][] texts; // sorted, each once

  /** One of some texts, at least one and none empty. */
  EnumValue(Collection<String> texts) {
    this.texts =
        texts.stream()
            .distinct()
            .map(text -> text.getBytes(StandardCharsets.UTF_8))
            .sorted(Arrays::compareUnsigned)
            .toArray(byte[][]::new);
  }

  EnumValue(String text) {
    this(List.of(text));
  }

  /** The texts. */
  List<String> texts() {
    return Arrays.stream(texts).map(text -> new String(text, StandardCharsets.UTF_8)).toList();
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    go(parent, 0, texts.length, 0, b, out);
  }

  /** Goes on from some bytes, which those of an index range share, with a further one. */
  private void go(Frame parent, int from, int to, int at, int b, Frames out) {
    int low = bound(from, to, at, b);
    int high = bound(low, to, at, b + 1);
    if (high - low == 1 && texts[low].length == at + 1) {
      out.add(parent);
    } else if (low < high) {
      out.add(new Within(this, parent, low, high, at + 1));
    }
  }

  /** The first of an index range whose byte at a place is not below {@code b}. */
  private int bound(int from, int to, int at, int b) {
    int low = from;
    int high = to;
    while (low < high) {
      int middle = (low + high) >>> 1;
      byte[] text = texts[middle];
      if (text.length <= at || Byte.toUnsignedInt(text[at]) < b) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  @Override
  int measure() {
    return shortest(0, texts.length).length;
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    out.writeBytes(shortest(0, texts.length));
  }

  private byte[] shortest(int low, int high) {
    return Arrays.stream(texts, low, high)
        .min(Comparator.comparingInt(text -> text.length))
        .orElseThrow();
  }

  /**
   * Within texts that begin alike.
   *
   * @param low the first of them
   * @param high behind the last of them
   * @param at how many bytes there are
   */
  private record Within(EnumValue value, Frame parent, int low, int high, int at) implements Frame {
    @Override
    public void next(int b, Frames out) {
      value.go(parent, low, high, at, b, out);
    }

    @Override
    public boolean mayEnd() {
      return value.texts[low].length == at;
    }

    @Override
    public void close(ByteArrayOutputStream out) {
      byte[] text = value.shortest(low, high);
      out.write(text, at, text.length - at);
    }
  }
}
