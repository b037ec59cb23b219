package org.kithlm.node.rank;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.transformer.KvCache;
import org.kithlm.node.kv.PageName;
import org.kithlm.transport.StepHeader;

/**
 * Tells leaves the names of pages, in place of a step's embedding rows: what to do with them, then
 * each name in parts of 16 bits, which are exact in floats. Of the header the first position is
 * that of the first page or within it, and the tokens are those of all pages, so that such a
 * message, unlike a step, is shorter than the rows of its tokens.
 */
final class PageFields {
  private static final int PART_BITS = 16;
  private static final int PARTS = PageName.BYTES * Byte.SIZE / PART_BITS;
  private static final int LONG_PARTS = Long.SIZE / PART_BITS;

  /** What leaves are to do. */
  enum Verb {
    /** Keep the pages on disk. */
    KEEP(1),
    /** Take the pages from disk. */
    RESTORE(2);

    private final int code;

    Verb(int code) {
      this.code = code;
    }

    private static @Nullable Verb ofCode(int code) {
      return Arrays.stream(values()).filter(verb -> verb.code == code).findFirst().orElse(null);
    }
  }

  /** A message. */
  record Message(Verb verb, List<PageName> names) {}

  private PageFields() {}

  /** Names that a message of so many floats has room for. */
  static int namesMax(int floats) {
    return (floats - 1) / PARTS;
  }

  /** Whether a step's message is one of these. */
  static boolean areIn(StepHeader header, int width) {
    return header.length() < (long) header.tokenCount() * width;
  }

  /** Tokens of so many pages. */
  static int tokens(int pages) {
    return pages * KvCache.PAGE_POSITIONS;
  }

  /** The floats of a message. */
  static float[] write(Verb verb, List<PageName> names) {
    float[] floats = new float[1 + names.size() * PARTS];
    int end = 0;
    floats[end++] = verb.code;
    for (PageName name : names) {
      for (int part = 0; part < PARTS; part++) {
        long half = part < LONG_PARTS ? name.high() : name.low();
        floats[end++] = (half >>> (part % LONG_PARTS * PART_BITS)) & 0xffff;
      }
    }
    return floats;
  }

  /**
   * Reads a message.
   *
   * @throws IllegalStateException if it does not agree with its header
   */
  static Message read(StepHeader header, float[] floats) {
    int count = namesMax(header.length());
    Verb verb = Verb.ofCode((int) floats[0]);
    if (header.length() != 1 + count * PARTS
        || header.tokenCount() != tokens(count)
        || verb == null) {
      throw new IllegalStateException("malformed names of pages: " + header + " verb=" + floats[0]);
    }
    List<PageName> names = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      long[] halves = new long[2];
      for (int part = 0; part < PARTS; part++) {
        long bits = (long) floats[1 + i * PARTS + part];
        halves[part / LONG_PARTS] |= bits << (part % LONG_PARTS * PART_BITS);
      }
      names.add(new PageName(halves[0], halves[1]));
    }
    return new Message(verb, names);
  }
}
