package org.kithlm.model.chat;

import java.util.List;
import java.util.Map;

/**
 * What a template is rendered with.
 *
 * @param messages the chat so far, oldest first
 * @param addGenerationPrompt whether to open the assistant's next turn at the end
 * @param tools JSON schemas of functions the model may call; may be empty
 * @param variables further variables of the template, such as enable_thinking; they must not be
 *     named like one of the above
 */
public record ChatPrompt(
    List<ChatMessage> messages,
    boolean addGenerationPrompt,
    List<Map<String, Object>> tools,
    Map<String, Object> variables) {
  /** Copies the lists. */
  public ChatPrompt {
    messages = List.copyOf(messages);
    tools = List.copyOf(tools);
    variables = Map.copyOf(variables);
  }

  /** A chat without tools whose next turn is the assistant's. */
  public ChatPrompt(List<ChatMessage> messages) {
    this(messages, true, List.of(), Map.of());
  }
}
