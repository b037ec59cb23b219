package org.kithlm.model.constraint;

import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.sampling.TokenFilter;
import org.kithlm.model.tokenizer.SortedTokens;
import org.kithlm.model.tokenizer.Tokenizer;

/**
 * Keeps one answer within a grammar. When the tokens that may still come are just enough for the
 * shortest end, that end is made, so that an answer is whole also at its limit. An answer whose
 * shortest form does not fit is cut. One thread, one answer.
 */
public final class TokenConstraint implements TokenFilter {
  /** States whose tokens are kept: those of keys and the like come again and again. */
  private static final int KEPT_MAX = 16;

  private final Tokenizer tokenizer;
  private final SortedTokens tokens;
  private final Map<State, BitSet> kept =
      new LinkedHashMap<>(2 * KEPT_MAX, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<State, BitSet> eldest) {
          return size() > KEPT_MAX;
        }
      };
  private State state;
  private int remaining = Integer.MAX_VALUE; // tokens that may come
  private boolean endFits = true; // whether the shortest end does
  private byte @Nullable [] end; // what is left of the end that is being made

  /** A constraint before the first token. */
  public TokenConstraint(Grammar grammar, Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    tokens = tokenizer.sortedTokens();
    state = grammar.start();
  }

  /**
   * Tells how many tokens may come, the next included and the one that ends the turn not; before
   * each choice.
   */
  public void limit(int tokensLeft) {
    remaining = tokensLeft;
    endFits = end != null || fits(state, remaining);
  }

  @Override
  public boolean allows(int token) {
    if (end != null) {
      return end.length == 0 ? tokenizer.isEndOfGeneration(token) : token == nextOf(end);
    }
    if (tokenizer.isEndOfGeneration(token)) {
      return state.isComplete();
    }
    State next = after(token);
    return next != null && (!endFits || fits(next, remaining - 1));
  }

  private @Nullable State after(int token) {
    if (tokenizer.isControl(token)) {
      return null;
    }
    byte[] bytes = tokenizer.tokenBytes(token);
    return bytes.length == 0 ? null : state.next(bytes);
  }

  @Override
  public void ban(float[] logits, int refused) {
    boolean late = end == null && !tokenizer.isEndOfGeneration(refused) && after(refused) != null;
    if (late) {
      end = state.shortestEnd();
    }
    BitSet allowed = end == null ? kept.computeIfAbsent(state, this::allowed) : onlyEnd(end);
    for (int token = 0; token < logits.length; token++) {
      if (!allowed.get(token)) {
        logits[token] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  /** Goes on behind a token that is allowed. */
  public void accept(int token) {
    State next = after(token);
    if (next == null) {
      throw new IllegalArgumentException("token " + token + " is not allowed here");
    }
    state = next;
    if (end != null) {
      end = Arrays.copyOfRange(end, tokenizer.tokenBytes(token).length, end.length);
    }
  }

  /** Whether the answer is whole; free text is not known to be. */
  public boolean isComplete() {
    return state.isComplete() && !state.isFree();
  }

  /** Whether the answer is whole and nothing may follow. */
  public boolean isFinal() {
    return state.isFinal();
  }

  /** Whether the shortest end of a text takes at most so many tokens. */
  private boolean fits(State text, int count) {
    byte[] rest = text.shortestEnd();
    if (rest.length <= count) {
      return true; // a token has at least one byte
    }
    int used = 0;
    for (int at = 0; at < rest.length; used++) {
      int index = tokens.longestAt(rest, at);
      if (index < 0 || used == count) {
        return false;
      }
      at += tokens.lengthBytes(index);
    }
    return true;
  }

  private int nextOf(byte[] rest) {
    int index = tokens.longestAt(rest, 0);
    if (index < 0) {
      throw new IllegalStateException("the vocabulary has no token for byte " + rest[0]);
    }
    return tokens.id(index);
  }

  private BitSet onlyEnd(byte[] rest) {
    BitSet allowed = new BitSet();
    if (rest.length > 0) {
      allowed.set(nextOf(rest));
    } else {
      addEndOfGeneration(allowed);
    }
    return allowed;
  }

  private void addEndOfGeneration(BitSet allowed) {
    for (int token = 0; token < tokenizer.vocabularySize(); token++) {
      if (tokenizer.isEndOfGeneration(token)) {
        allowed.set(token);
      }
    }
  }

  /** All tokens that may come. Bytes that tokens begin with alike are looked at once. */
  private BitSet allowed(State start) {
    BitSet allowed = new BitSet(tokenizer.vocabularySize());
    @Nullable State[] behind = new State[tokens.longestBytes() + 1];
    behind[0] = start;
    int wrong = Integer.MAX_VALUE; // place of the byte that was wrong in the last token
    for (int i = 0; i < tokens.size(); i++) {
      int at = tokens.sharedBytes(i);
      if (at > wrong) {
        continue; // it has that byte too
      }
      wrong = Integer.MAX_VALUE;
      State state = behind[at];
      int length = tokens.lengthBytes(i);
      while (at < length && state != null) {
        state = state.next(tokens.byteAt(i, at));
        behind[at + 1] = state;
        at++;
      }
      if (state == null) {
        wrong = at - 1;
      } else {
        allowed.set(tokens.id(i));
      }
    }
    if (start.isComplete()) {
      addEndOfGeneration(allowed);
    }
    return allowed;
  }
}
