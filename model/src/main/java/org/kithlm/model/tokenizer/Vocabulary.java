package org.kithlm.model.tokenizer;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * The bytes of all tokens in one array, with a hash table over them: about 30 bytes a token where a
 * map of strings takes over 100, which counts for the 262,144 tokens of Gemma on a small device.
 */
final class Vocabulary {
  /** The answer for bytes that are no token. */
  static final int NONE = -1;

  private final byte[] bytes;
  private final int[] starts; // of each token in bytes, and the end of the last
  private final int[] slots; // open addressing: id + 1, 0 where free
  private final int longestBytes;

  /**
   * Joins the tokens; of equal ones the last is found.
   *
   * @param tokens the bytes of each id, asked for once
   */
  Vocabulary(int size, IntFunction<byte[]> tokens) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    starts = new int[size + 1];
    int longest = 0;
    for (int id = 0; id < size; id++) {
      joined.writeBytes(tokens.apply(id));
      starts[id + 1] = joined.size();
      longest = Math.max(longest, starts[id + 1] - starts[id]);
    }
    longestBytes = longest;
    bytes = joined.toByteArray();
    slots = new int[Integer.highestOneBit(Math.max(1, size)) * 4];
    for (int id = 0; id < size; id++) {
      slots[slot(bytes, starts[id], starts[id + 1])] = id + 1;
    }
  }

  int size() {
    return starts.length - 1;
  }

  /** The token that is exactly {@code text[from, to)}, or {@link #NONE}. */
  int find(byte[] text, int from, int to) {
    return to - from > longestBytes ? NONE : slots[slot(text, from, to)] - 1;
  }

  /** A copy of a token's bytes. */
  byte[] bytes(int id) {
    return Arrays.copyOfRange(bytes, starts[id], starts[id + 1]);
  }

  private int slot(byte[] text, int from, int to) {
    int hash = 0;
    for (int i = from; i < to; i++) {
      hash = 31 * hash + text[i];
    }
    hash *= 0x9E3779B9; // spreads the low bits, as 2^32 over the golden ratio does
    int slot = (hash ^ (hash >>> 15)) & (slots.length - 1);
    while (slots[slot] != 0) {
      int id = slots[slot] - 1;
      if (Arrays.equals(text, from, to, bytes, starts[id], starts[id + 1])) {
        break;
      }
      slot = (slot + 1) & (slots.length - 1);
    }
    return slot;
  }
}
