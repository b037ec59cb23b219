package org.kithlm.node.kv;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Made-up pages, each told from the others by its number. */
final class Pages {
  private Pages() {}

  static PageName name(int number) {
    return new PageName(number * 0x9e3779b97f4a7c15L, number);
  }

  static PageKey key(int number) {
    return new PageKey(name(number), number % 5);
  }

  static MemorySegment content(Arena arena, int number, long bytes) {
    MemorySegment content = arena.allocate(bytes);
    fill(number, content);
    return content;
  }

  static void fill(int number, MemorySegment out) {
    Random random = new Random(number);
    for (long i = 0; i < out.byteSize(); i += 97) {
      out.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
    }
  }

  /** Whether it is what {@link #content} makes. */
  static boolean is(int number, MemorySegment found) {
    try (Arena arena = Arena.ofConfined()) {
      return content(arena, number, found.byteSize()).mismatch(found) < 0;
    }
  }
}
