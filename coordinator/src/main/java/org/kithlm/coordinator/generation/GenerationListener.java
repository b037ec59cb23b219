package org.kithlm.coordinator.generation;

import java.util.List;

/**
 * Follows one generation: {@code onToken} any number of times, then exactly one of {@code
 * onFinished}, {@code onFailed} and {@code onNotReady}. Called from one thread at a time; must not
 * block.
 */
public interface GenerationListener {
  /**
   * A token was made.
   *
   * @param id its id
   * @param text text that is now certain (whole UTF-8 characters, no prefix of a stop string); may
   *     be empty, and may hold text of earlier tokens
   * @param logprob natural logarithm of its probability before temperature and filters
   * @param top the likeliest tokens at this step, as many as were asked for
   */
  record Token(int id, String text, float logprob, List<Candidate> top) {}

  /**
   * A token and its log probability.
   *
   * @param id token id
   * @param logprob natural logarithm
   */
  record Candidate(int id, float logprob) {}

  /**
   * What a generation cost.
   *
   * @param promptTokens tokens of the prompt
   * @param cachedTokens of these, tokens at its start that the ranks still knew from the request
   *     before
   * @param completionTokens tokens made, the end-of-turn token not counted
   * @param ttftMs from leaving the queue to the first token, milliseconds
   * @param tokensPerSecond decode rate after the first token, 0 where there is no second one
   */
  record Usage(
      int promptTokens,
      int cachedTokens,
      int completionTokens,
      double ttftMs,
      double tokensPerSecond) {

    /** That of two generations from one prompt; the rate is that of the later one. */
    public Usage plus(Usage later) {
      return new Usage(
          promptTokens,
          cachedTokens,
          completionTokens + later.completionTokens,
          ttftMs,
          later.tokensPerSecond);
    }
  }

  /** A token was made. */
  void onToken(Token token);

  /** It ended well; {@code tail} is text held back until now. */
  void onFinished(FinishReason reason, String tail, Usage usage);

  /** It failed; the message names the cause (for a lost rank its number and address). */
  void onFailed(String message);

  /** It left the queue before it ran, for want of ranks: it may be asked for again. */
  void onNotReady(String message);
}
