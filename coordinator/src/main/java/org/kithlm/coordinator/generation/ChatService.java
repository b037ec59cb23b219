package org.kithlm.coordinator.generation;

import java.util.List;
import java.util.Map;

/**
 * The one model being served, as the endpoint sees it. Thread-safe; no call blocks on the cluster.
 */
public interface ChatService {
  /**
   * What is served.
   *
   * @param id name that requests must use
   * @param createdEpochSeconds when its pack was made
   * @param contextLength longest prompt plus answer, in tokens
   * @param vocabularySize number of tokens; ids run from 0
   */
  record Model(String id, long createdEpochSeconds, int contextLength, int vocabularySize) {}

  /**
   * A message of a chat.
   *
   * @param role system, user, assistant, tool
   * @param content its text
   * @param extra further fields as templates know them, see {@link
   *     org.kithlm.model.chat.ChatMessage}
   */
  record Message(String role, String content, Map<String, Object> extra) {
    /** A message of text. */
    public Message(String role, String content) {
      this(role, content, Map.of());
    }
  }

  /** What is served. */
  Model model();

  /** What its file says of it. */
  ModelCard card();

  /** Whether a generation could start now (all ranks are there), and if not, why. */
  Health health();

  /**
   * State of the cluster in one word and a line.
   *
   * @param ready whether requests are answered
   * @param detail why not, or what is running
   */
  record Health(boolean ready, String detail) {}

  /** Token ids of plain text: special tokens parsed, BOS by the model's metadata. */
  int[] tokenize(String text);

  /** Text of one token, for logprobs; bytes that are not UTF-8 appear as U+FFFD. */
  String tokenText(int token);

  /** Bytes of one token, for logprobs. */
  byte[] tokenBytes(int token);

  /**
   * Token ids of a chat rendered by the model's template, ready for the assistant's answer.
   *
   * @param tools functions that the model may call, as in OpenAI's API
   * @throws IllegalArgumentException if the template refuses the messages; the message says why
   */
  int[] tokenizeChat(List<Message> messages, List<Map<String, Object>> tools);

  /**
   * Queues a generation.
   *
   * @param listener told on a thread of the engine, or on the one that cancels it or closes the
   *     engine; must not block
   * @return a handle to cancel it
   * @throws GenerationRefusedException if the queue is full, the prompt is empty or too long, or
   *     the cluster is not ready
   */
  Generation generate(GenerationRequest request, GenerationListener listener);
}
