package org.kithlm.model.constraint;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.sampling.TokenFilter;
import org.kithlm.model.tokenizer.Tokenizer;

/**
 * Bounds what a model thinks between its tokens {@code <think>} and {@code </think>}: after so many
 * tokens in between, the end comes. The bound is for all that one text thinks. One thread, one
 * text.
 */
public final class ThinkingBudget {
  private static final String BEGIN = "<think>";
  private static final String END = "</think>";

  /** Lets one token come. */
  private record Only(int token) implements TokenFilter {
    @Override
    public boolean allows(int other) {
      return other == token;
    }

    @Override
    public void ban(float[] logits, int refused) {
      float kept = logits[token];
      Arrays.fill(logits, Float.NEGATIVE_INFINITY);
      logits[token] = Math.max(kept, -Float.MAX_VALUE); // also where a bias has banned it
    }
  }

  private final int begin;
  private final int end;
  private int left;
  private boolean thinking;

  private ThinkingBudget(int begin, int end, int maxTokens, boolean thinking) {
    this.begin = begin;
    this.end = end;
    this.left = maxTokens;
    this.thinking = thinking;
  }

  /**
   * A budget before the first token of a text.
   *
   * @param prompt its last words may have begun the thinking
   * @param maxTokens between the two tokens, at least 0
   * @return null where the vocabulary has no such tokens, so that there is nothing to bound
   */
  public static @Nullable ThinkingBudget of(Tokenizer tokenizer, int[] prompt, int maxTokens) {
    int[] begin = tokenizer.encode(BEGIN, true, false);
    int[] end = tokenizer.encode(END, true, false);
    if (begin.length != 1 || end.length != 1) {
      return null;
    }
    int last = prompt.length - 1;
    while (last > 0 && isBlank(tokenizer, prompt[last])) {
      last--;
    }
    boolean begun = last >= 0 && prompt[last] == begin[0];
    return new ThinkingBudget(begin[0], end[0], maxTokens, begun);
  }

  private static boolean isBlank(Tokenizer tokenizer, int token) {
    return !tokenizer.isControl(token) && tokenizer.decode(token).isBlank();
  }

  /**
   * What the next token must pass.
   *
   * @param others what it must pass anyway, null for nothing; where these do not allow the end of
   *     the thinking they decide alone
   */
  public @Nullable TokenFilter filter(@Nullable TokenFilter others) {
    boolean spent = thinking && left == 0;
    return spent && (others == null || others.allows(end)) ? new Only(end) : others;
  }

  /** Goes on behind a token. */
  public void accept(int token) {
    if (token == begin) {
      thinking = true;
    } else if (token == end) {
      thinking = false;
    } else if (thinking && left > 0) {
      left--;
    }
  }
}
