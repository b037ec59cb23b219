package org.kithlm.model.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * An immutable list of strings that keeps their UTF-8 in one array and makes a string when asked:
 * vocabulary and merges are some 300,000 short ones, which would take 17 MB of a small device's
 * heap as objects, and 4 MB like this. Thread-safe.
 */
final class StringTable extends AbstractList<String> implements RandomAccess {
  private final byte[] bytes;
  private final int[] starts; // of each string in bytes, and the end of the last

  private StringTable(byte[] bytes, int[] starts) {
    this.bytes = bytes;
    this.starts = starts;
  }

  @Override
  public String get(int index) {
    Objects.checkIndex(index, size());
    return new String(
        bytes, starts[index], starts[index + 1] - starts[index], StandardCharsets.UTF_8);
  }

  @Override
  public int size() {
    return starts.length - 1;
  }

  /** Collects the strings of a table. One thread. */
  static final class Builder {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final int[] starts;
    private int size;

    /** For at most {@code capacity} strings. */
    Builder(int capacity) {
      starts = new int[capacity + 1];
    }

    /** Appends a string, which must be valid UTF-8. */
    void add(byte[] utf8) {
      bytes.writeBytes(utf8);
      starts[++size] = bytes.size();
    }

    StringTable build() {
      return new StringTable(bytes.toByteArray(), Arrays.copyOf(starts, size + 1));
    }
  }
}
