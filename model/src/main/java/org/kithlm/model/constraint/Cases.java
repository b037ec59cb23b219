package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** A given text and then what belongs to it, as a tool's name and then its arguments. */
final class Cases extends Value {
  /**
   * One of them.
   *
   * @param text not empty; no other's text begins with it
   * @param then what follows
   */
  record Case(String text, Value then) {}

  private final byte[][] texts;
  private final List<Case> cases;

  /** At least one case. */
  Cases(List<Case> cases) {
    this.cases = List.copyOf(cases);
    texts =
        cases.stream()
            .map(one -> one.text().getBytes(StandardCharsets.UTF_8))
            .toArray(byte[][]::new);
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    new Within(this, parent, 0, 0).next(b, out);
  }

  @Override
  int measure() {
    return bytes(least(0, 0));
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    new Within(this, Frame.End.INSTANCE, 0, 0).close(out);
  }

  private int bytes(int index) {
    return sum(texts[index].length, cases.get(index).then().shortestBytes());
  }

  /** The shortest case that begins as another does up to some byte. */
  private int least(int like, int at) {
    int least = like;
    for (int i = 0; i < texts.length; i++) {
      if (isLike(i, like, at) && bytes(i) < bytes(least)) {
        least = i;
      }
    }
    return least;
  }

  private boolean isLike(int index, int like, int at) {
    return texts[index].length > at && Arrays.equals(texts[index], 0, at, texts[like], 0, at);
  }

  /**
   * Within a text.
   *
   * @param like the first case that begins so
   * @param at how many bytes of it there are
   */
  private record Within(Cases value, Frame parent, int like, int at) implements Frame {
    @Override
    public void next(int b, Frames out) {
      for (int i = like; i < value.texts.length; i++) {
        if (value.isLike(i, like, at) && Byte.toUnsignedInt(value.texts[i][at]) == b) {
          out.add(
              at + 1 == value.texts[i].length
                  ? value.cases.get(i).then().before(parent)
                  : new Within(value, parent, i, at + 1));
          return;
        }
      }
    }

    @Override
    public void close(ByteArrayOutputStream out) {
      int least = value.least(like, at);
      out.write(value.texts[least], at, value.texts[least].length - at);
      value.cases.get(least).then().writeShortest(out);
    }
  }
}
