package org.kithlm.model.tokenizer;

import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * Merges neighbouring symbols, the lowest rank first and the leftmost among equals, until no pair
 * merges: the loop of BPE and of SentencePiece's score-driven merging alike. A heap of candidates
 * makes it O(n log n) in the length of the text. Not thread-safe; its arrays are reused.
 */
final class PairMerger {
  private static final int END = -1;
  private static final int MERGED = -2; // in next: the symbol went into its left neighbour

  private final MergeRules rules;
  private int[] start = new int[32];
  private int[] previous = new int[32];
  private int[] next = new int[32];
  private int[] token = new int[32];
  private long[] heap = new long[64]; // rank << 32 | left symbol
  private int heapLength;
  private byte[] text = {};

  PairMerger(MergeRules rules) {
    this.rules = rules;
  }

  /**
   * Passes on the tokens of a text.
   *
   * @param bytes the text
   * @param characters whether the first symbols are UTF-8 characters (true) or single bytes
   * @param ids takes the tokens in order
   */
  void merge(byte[] bytes, boolean characters, IntConsumer ids) {
    if (bytes.length == 0) {
      return;
    }
    text = bytes;
    heapLength = 0;
    int count = cut(characters);
    for (int left = 0; left < count - 1; left++) {
      offer(left);
    }
    while (heapLength > 0) {
      long candidate = poll();
      int left = (int) candidate;
      // A pair that changed since it was offered has been offered anew with its own rank.
      if (next[left] >= 0 && rank(left) == (int) (candidate >> 32)) {
        join(left);
      }
    }
    for (int symbol = 0; symbol != END; symbol = next[symbol]) {
      if (token[symbol] == Vocabulary.NONE) {
        rules.spell(text, start[symbol], end(symbol), ids);
      } else {
        ids.accept(token[symbol]);
      }
    }
  }

  private int cut(boolean characters) {
    if (start.length < text.length) {
      start = new int[text.length];
      previous = new int[text.length];
      next = new int[text.length];
      token = new int[text.length];
    }
    int count = 0;
    for (int i = 0; i < text.length; i++) {
      boolean continues = (text[i] & 0xC0) == 0x80;
      if (!characters || !continues) {
        start[count] = i;
        previous[count] = count - 1;
        next[count] = count + 1;
        count++;
      }
    }
    next[count - 1] = END;
    for (int symbol = 0; symbol < count; symbol++) {
      token[symbol] = rules.find(text, start[symbol], end(symbol));
    }
    return count;
  }

  private void join(int left) {
    int right = next[left];
    token[left] = rules.find(text, start[left], end(right));
    next[left] = next[right];
    if (next[right] != END) {
      previous[next[right]] = left;
    }
    next[right] = MERGED;
    if (previous[left] >= 0) {
      offer(previous[left]);
    }
    if (next[left] != END) {
      offer(left);
    }
  }

  private int end(int symbol) {
    return next[symbol] == END ? text.length : start[next[symbol]];
  }

  private int rank(int left) {
    int right = next[left];
    return rules.rank(token[left], token[right], text, start[left], end(right));
  }

  private void offer(int left) {
    int rank = rank(left);
    if (rank == PairRanks.NONE) {
      return;
    }
    if (heapLength == heap.length) {
      heap = Arrays.copyOf(heap, 2 * heapLength);
    }
    long candidate = ((long) rank << 32) | left;
    int hole = heapLength++;
    while (hole > 0 && heap[(hole - 1) / 2] > candidate) {
      heap[hole] = heap[(hole - 1) / 2];
      hole = (hole - 1) / 2;
    }
    heap[hole] = candidate;
  }

  private long poll() {
    long first = heap[0];
    long last = heap[--heapLength];
    int hole = 0;
    for (int child = 1; child < heapLength; child = 2 * hole + 1) {
      if (child + 1 < heapLength && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[hole] = heap[child];
      hole = child;
    }
    heap[hole] = last;
    return first;
  }
}
