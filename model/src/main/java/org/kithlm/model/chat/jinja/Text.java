package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A string that remembers which of its UTF-16 units came from outside the template. Cutting,
 * joining and replacing keep the marks exact; any other change of a string with foreign parts makes
 * all of it foreign. Equality is that of the characters alone, so marks never alter a rendering.
 * Immutable.
 */
public final class Text {
  /** The empty string. */
  static final Text EMPTY = new Text("", new BitSet(), false);

  private final String value;
  private final BitSet foreign;
  private final boolean markup;

  private Text(String value, BitSet foreign, boolean markup) {
    this.value = value;
    this.foreign = foreign;
    this.markup = markup;
  }

  /** A string that the template or the model file wrote. */
  public static Text own(String value) {
    return new Text(value, new BitSet(), false);
  }

  /** A string that a caller brought: message content, names, tool descriptions. */
  public static Text foreign(String value) {
    BitSet marks = new BitSet(value.length());
    marks.set(0, value.length());
    return new Text(value, marks, false);
  }

  /**
   * A stretch of text of one origin.
   *
   * @param text its characters, at least one
   * @param foreign whether a caller brought it
   */
  public record Run(String text, boolean foreign) {}

  /** The text as runs of one origin, in order, neighbours of different origin. */
  public List<Run> runs() {
    List<Run> runs = new ArrayList<>();
    int start = 0;
    while (start < value.length()) {
      boolean mark = foreign.get(start);
      int next = mark ? foreign.nextClearBit(start) : foreign.nextSetBit(start);
      int end = next < 0 ? value.length() : Math.min(next, value.length());
      runs.add(new Run(value.substring(start, end), mark));
      start = end;
    }
    return runs;
  }

  int length() {
    return value.length();
  }

  boolean isEmpty() {
    return value.isEmpty();
  }

  /** Units {@code from} to {@code to}, exclusive. */
  Text cut(int from, int to) {
    return from == 0 && to == value.length()
        ? this
        : new Text(value.substring(from, to), foreign.get(from, to), markup);
  }

  /** A changed form of this string: foreign as a whole if any of it was. */
  Text changedTo(String changed) {
    Text text = foreign.isEmpty() ? own(changed) : foreign(changed);
    return markup ? text.asMarkup() : text;
  }

  /** This text as one that {@code safe} has marked: {@code +} escapes what is added to it. */
  Text asMarkup() {
    return new Text(value, foreign, true);
  }

  boolean isMarkup() {
    return markup;
  }

  /** HTML-escaped as markup; markup stays as it is. */
  Text escaped(Budget budget) {
    if (markup) {
      return this;
    }
    Builder out = new Builder(budget);
    for (int at = 0; at < value.length(); at++) {
      out.append(
          switch (value.charAt(at)) {
            case '&' -> own("&amp;");
            case '<' -> own("&lt;");
            case '>' -> own("&gt;");
            case '\'' -> own("&#39;");
            case '"' -> own("&#34;");
            default -> cut(at, at + 1);
          });
    }
    return out.build().asMarkup();
  }

  /** Whether a caller brought any of it. */
  boolean hasForeign() {
    return !foreign.isEmpty();
  }

  /** The string without its marks. */
  @Override
  public String toString() {
    return value;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Text text && value.equals(text.value);
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  /** Joins texts, charging every character to a budget. */
  static final class Builder {
    private final Budget budget;
    private final StringBuilder value = new StringBuilder();
    private final BitSet foreign = new BitSet();

    Builder(Budget budget) {
      this.budget = budget;
    }

    Builder append(Text text) {
      budget.chars(text.length());
      int start = value.length();
      value.append(text.value);
      for (int from = text.foreign.nextSetBit(0); from >= 0; ) {
        int to = text.foreign.nextClearBit(from);
        foreign.set(start + from, start + to);
        from = text.foreign.nextSetBit(to);
      }
      return this;
    }

    Text build() {
      return new Text(value.toString(), (BitSet) foreign.clone(), false);
    }
  }
}
