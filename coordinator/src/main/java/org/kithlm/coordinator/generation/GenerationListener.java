package org.kithlm.coordinator.generation;

import java.util.List;

/**
 * Follows one generation: {@code onToken} any number of times, {@code onChoice} once for each text
 * that ends, then exactly one of {@code onFinished}, {@code onCancelled}, {@code onFailed} and
 * {@code onNotReady}. Called from one thread at a time; must not block.
 */
public interface GenerationListener {
  /**
   * A token was made.
   *
   * @param id its id
   * @param text text that is now certain (whole UTF-8 characters, no prefix of a stop string); may
   *     be empty, and may hold text of earlier tokens
   * @param logprob natural logarithm of its probability before temperature and filters; NaN where
   *     none was asked for
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
   * @param completionTokens tokens made of all texts, the end-of-turn tokens not counted
   * @param ttftMs from leaving the queue to the first token, milliseconds
   * @param tokensPerSecond decode rate of all texts together after their first tokens, 0 where
   *     there are no second ones
   */
  record Usage(
      int promptTokens,
      int cachedTokens,
      int completionTokens,
      double ttftMs,
      double tokensPerSecond) {}

  /** A token of a text was made; the first text has the index 0. */
  void onToken(int choice, Token token);

  /** A text is over; {@code tail} is text held back until now. */
  void onChoice(int choice, FinishReason reason, String tail);

  /** All texts are over. */
  void onFinished(Usage usage);

  /** It was cancelled before all texts were over. */
  void onCancelled(Usage usage);

  /** It failed; the message names the cause (for a lost rank its number and address). */
  void onFailed(String message);

  /** It left the queue before it ran, for want of ranks: it may be asked for again. */
  void onNotReady(String message);
}
