package org.kithlm.coordinator.http;

import java.util.List;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/** Writes one answer of an API, whole or as a stream. One thread at a time. */
interface AnswerWriter {
  /**
   * One of the texts that a request asked for.
   *
   * @param index its number, the first is 0
   * @param tokens empty where the format does not need them
   */
  record Choice(int index, String text, List<Token> tokens, FinishReason reason) {}

  /** An answer in one piece, as a record for {@link Json}. */
  Object whole(List<Choice> choices, Usage usage);

  /** An answer as it is made. */
  StreamEncoder stream(CompletionOptions options);
}
