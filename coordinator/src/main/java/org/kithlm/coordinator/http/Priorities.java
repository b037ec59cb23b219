package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Set;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.Priority;

/** Tells requests that somebody waits for from those of the background. */
final class Priorities {
  /** OpenAI's word for requests that may wait, here for the background. */
  private static final String FLEX = "flex";

  /** OpenAI's other words; there is only one kind of service for them here. */
  private static final Set<String> OTHERS = Set.of("auto", "default", "priority", "scale");

  private static final String TIER = "service_tier";

  private Priorities() {}

  /** The priority that a request asks for. */
  static Priority of(Fields body) {
    JsonNode tier = body.get(TIER);
    if (tier == null || (tier.isTextual() && OTHERS.contains(tier.textValue()))) {
      return Priority.INTERACTIVE;
    }
    if (tier.isTextual() && tier.textValue().equals(FLEX)) {
      return Priority.BACKGROUND;
    }
    throw body.wrong(TIER, "auto, default, priority, scale or flex", tier);
  }

  /**
   * The priority of a chat that may not ask for one. Open WebUI has titles, tags and follow-up
   * questions made of a chat by requests that look like any other, but for their form: one message
   * that begins with a heading for the task and quotes the chat between tags, and no stream.
   */
  static Priority of(Fields body, List<ChatService.Message> messages, boolean stream) {
    return body.get(TIER) == null && !stream && isTaskOnAChat(messages)
        ? Priority.BACKGROUND
        : of(body);
  }

  private static boolean isTaskOnAChat(List<ChatService.Message> messages) {
    if (messages.size() != 1 || !messages.getFirst().role().equals("user")) {
      return false;
    }
    String content = messages.getFirst().content();
    return content.stripLeading().startsWith("### Task:") && content.contains("<chat_history>");
  }
}
