package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An object: its properties in order, those that are not required maybe left out, then members
 * under other keys.
 */
final class ObjectValue extends Value {
  /** Members under other keys, so that there is always a key that is not used yet. */
  private static final int OTHERS_MAX = 64;

  /** Characters of another key. */
  private static final int KEY_LENGTH_MAX = 64;

  /**
   * A property.
   *
   * @param key its name as JSON, with the quotes
   */
  record Property(String key, Value value, boolean required) {}

  private final List<Property> properties;
  private final byte[][] keys;
  private final Set<String> names = new HashSet<>(); // without quotes, a char for each byte
  private final @Nullable Value others;

  /**
   * An object.
   *
   * @param others each member under another key, null where there must be none
   */
  ObjectValue(List<Property> properties, @Nullable Value others) {
    this.properties = List.copyOf(properties);
    this.others = others;
    keys = new byte[properties.size()][];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = properties.get(i).key().getBytes(StandardCharsets.UTF_8);
      names.add(new String(keys[i], 1, keys[i].length - 2, StandardCharsets.ISO_8859_1));
    }
  }

  List<Property> properties() {
    return properties;
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    if (b == '{') {
      out.add(
          parent.depth() < MAX_DEPTH
              ? new Members(this, parent, 0, null, Place.OPEN)
              : new Closing(shortest(), parent, 1));
    }
  }

  @Override
  int measure() {
    return sum(requiredBytes(0, true), 2);
  }

  /** Length of the shortest required members from one on. */
  private int requiredBytes(int from, boolean first) {
    int bytes = 0;
    boolean comma = !first;
    for (int i = from; i < keys.length; i++) {
      if (properties.get(i).required()) {
        bytes = sum(bytes, sum(keys[i].length + (comma ? 2 : 1), valueBytes(i)));
        comma = true;
      }
    }
    return bytes;
  }

  private int valueBytes(int index) {
    return properties.get(index).value().shortestBytes();
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    out.write('{');
    closeFrom(0, true, out);
  }

  /** Writes the shortest required members from one on, and the brace. */
  private void closeFrom(int from, boolean first, ByteArrayOutputStream out) {
    boolean comma = !first;
    for (int i = from; i < keys.length; i++) {
      if (properties.get(i).required()) {
        if (comma) {
          out.write(',');
        }
        out.writeBytes(keys[i]);
        out.write(':');
        properties.get(i).value().writeShortest(out);
        comma = true;
      }
    }
    out.write('}');
  }

  /** The first required property from one on, or their number. */
  private int nextRequired(int from) {
    int index = from;
    while (index < keys.length && !properties.get(index).required()) {
      index++;
    }
    return index;
  }

  /** Where in an object a text is. */
  private enum Place {
    OPEN,
    BEHIND_MEMBER,
    BEHIND_COMMA,
    BEHIND_BLANK
  }

  /**
   * The other keys of an object.
   *
   * @param count how many with those before
   */
  private record Used(String key, int count, @Nullable Used before) {}

  /**
   * Between two members.
   *
   * @param index the first property that may come
   */
  private record Members(
      ObjectValue value, Frame parent, int index, @Nullable Used used, Place place)
      implements Frame {
    @Override
    public void next(int b, Frames out) {
      switch (place) {
        case OPEN, BEHIND_MEMBER -> {
          if (b == '}' && value.nextRequired(index) == value.keys.length) {
            out.add(parent);
          } else if (place == Place.OPEN) {
            openKey(b, out);
          } else if (b == ',' && (index < value.keys.length || othersMayCome())) {
            out.add(at(Place.BEHIND_COMMA));
          }
        }
        case BEHIND_COMMA -> {
          if (b == ' ') {
            out.add(at(Place.BEHIND_BLANK));
          } else {
            openKey(b, out);
          }
        }
        case BEHIND_BLANK -> openKey(b, out);
      }
    }

    private Members at(Place next) {
      return new Members(value, parent, index, used, next);
    }

    private boolean othersMayCome() {
      return value.others != null
          && value.nextRequired(index) == value.keys.length
          && (used == null || used.count() < OTHERS_MAX);
    }

    private void openKey(int b, Frames out) {
      if (b != '"') {
        return;
      }
      if (index < value.keys.length) {
        out.add(new Key(this, index, 1));
      }
      if (othersMayCome()) {
        out.add(new OtherKey(this, "", 0, Utf8.START));
      }
    }

    /** Behind a property. */
    private Members behind(int property) {
      return new Members(value, parent, property + 1, used, Place.BEHIND_MEMBER);
    }

    /** Behind a member with another key. */
    private Members behind(String key) {
      int count = used == null ? 1 : used.count() + 1;
      return new Members(
          value, parent, value.keys.length, new Used(key, count, used), Place.BEHIND_MEMBER);
    }

    /** Whether a key may be that of another member. */
    private boolean isNew(String key) {
      for (Used one = used; one != null; one = one.before()) {
        if (one.key().equals(key)) {
          return false;
        }
      }
      return !value.names.contains(key);
    }

    @Override
    public void close(ByteArrayOutputStream out) {
      if (place == Place.BEHIND_MEMBER || place == Place.OPEN) {
        value.closeFrom(index, place == Place.OPEN, out);
      } else if (value.nextRequired(index) < value.keys.length) {
        value.closeFrom(index, true, out);
      } else { // a comma must not be the last
        out.write('"');
        Frame key =
            index < value.keys.length
                ? new Key(this, index, 1)
                : new OtherKey(this, "", 0, Utf8.START);
        key.close(out);
      }
    }

    @Override
    public int depth() {
      return parent.depth() + 1;
    }
  }

  /**
   * Within the key of a property, which may be any up to the next required one.
   *
   * @param like the first that begins as the text does
   * @param at how many bytes of it there are, the quote included
   */
  private record Key(Members members, int like, int at) implements Frame {
    @Override
    public Frame parent() {
      return members.parent();
    }

    @Override
    public void next(int b, Frames out) {
      ObjectValue value = members.value();
      for (int i = like; i <= last(); i++) {
        if (isLike(i) && Byte.toUnsignedInt(value.keys[i][at]) == b) {
          out.add(
              at + 1 == value.keys[i].length
                  ? new Colon(value.properties.get(i).value(), members.behind(i))
                  : new Key(members, i, at + 1));
          return;
        }
      }
    }

    private int last() {
      ObjectValue value = members.value();
      return Math.min(value.nextRequired(members.index()), value.keys.length - 1);
    }

    private boolean isLike(int index) {
      byte[][] keys = members.value().keys;
      return index == like
          || (keys[index].length > at && Arrays.equals(keys[index], 0, at, keys[like], 0, at));
    }

    /** Writes the shortest rest of the object. */
    @Override
    public void close(ByteArrayOutputStream out) {
      ObjectValue value = members.value();
      int best = like;
      int leastBytes = NONE;
      for (int i = like; i <= last(); i++) {
        int bytes =
            sum(sum(value.keys[i].length, value.valueBytes(i)), value.requiredBytes(i + 1, false));
        if (isLike(i) && bytes < leastBytes) {
          best = i;
          leastBytes = bytes;
        }
      }
      out.write(value.keys[best], at, value.keys[best].length - at);
      out.write(':');
      value.properties.get(best).value().writeShortest(out);
      value.closeFrom(best + 1, false, out);
    }
  }

  /**
   * Within a key that is none of the properties'. It has no escapes.
   *
   * @param key a char for each byte so far
   * @param length characters, the one under way included
   * @param state of {@link Utf8}
   */
  private record OtherKey(Members members, String key, int length, int state) implements Frame {
    @Override
    public Frame parent() {
      return members.parent();
    }

    @Override
    public void next(int b, Frames out) {
      if (state == Utf8.START) {
        if (b == '"') {
          if (members.isNew(key)) {
            out.add(new Colon(others(), members.behind(key)));
          }
          return;
        }
        if (b < ' ' || b == '\\' || length == KEY_LENGTH_MAX) {
          return;
        }
      }
      int next = Utf8.next(state, b);
      if (next == Utf8.WRONG) {
        return;
      }
      String longer = key + (char) b;
      int nextLength = state == Utf8.START ? length + 1 : length;
      boolean closable = next != Utf8.START || nextLength < KEY_LENGTH_MAX;
      if (closable || members.isNew(longer)) {
        out.add(new OtherKey(members, longer, nextLength, next));
      }
    }

    private Value others() {
      return Objects.requireNonNull(members.value().others);
    }

    /** Writes the shortest rest of the object. */
    @Override
    public void close(ByteArrayOutputStream out) {
      int rest = state;
      StringBuilder whole = new StringBuilder(key);
      while (rest != Utf8.START) {
        int b = Utf8.filler(rest);
        whole.append((char) b);
        out.write(b);
        rest = Utf8.next(rest, b);
      }
      int typed = whole.length();
      for (char c = 'a'; !members.isNew(whole.toString()); c++) {
        whole.setLength(typed);
        whole.append(c);
      }
      out.writeBytes(whole.substring(typed).getBytes(StandardCharsets.ISO_8859_1));
      out.writeBytes("\":".getBytes(StandardCharsets.ISO_8859_1));
      others().writeShortest(out);
      out.write('}');
    }
  }

  /** Behind a key. */
  private record Colon(Value value, Frame parent) implements Frame {
    @Override
    public void next(int b, Frames out) {
      if (b == ':') {
        out.add(new Expect(value, parent, true));
      }
    }

    @Override
    public void close(ByteArrayOutputStream out) {
      out.write(':');
      value.writeShortest(out);
    }
  }
}
