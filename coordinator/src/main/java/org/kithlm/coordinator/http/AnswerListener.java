package org.kithlm.coordinator.http;

import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/**
 * Follows the choices of an answer, one after another: tokens and an end for each, then the end of
 * all, or a failure. Called from one thread at a time; must not block.
 */
interface AnswerListener {
  /** A token of the choice under way was made. */
  void onToken(Token token);

  /** A choice is whole; {@code tail} is text held back until now. */
  void onChoice(FinishReason reason, String tail);

  /** All choices are whole. */
  void onFinished(Usage usage);

  /** It failed; the message names the cause. */
  void onFailed(String message);

  /** It could not run, for want of ranks: it may be asked for again. */
  void onNotReady(String message);
}
