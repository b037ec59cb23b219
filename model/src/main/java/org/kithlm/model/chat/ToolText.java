package org.kithlm.model.chat;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.kithlm.model.chat.jinja.Template;
import org.kithlm.model.constraint.ToolCallForm;

/**
 * Tools for templates that know none, or that have their own form of calls: told in the system
 * message in the words of Qwen's template, with calls and results in the texts of messages.
 */
final class ToolText {
  private static final Template TOOLS =
      Template.parse(
          """
          # Tools

          You may call one or more functions to assist with the user query.

          You are provided with function signatures within <tools></tools> XML tags:
          <tools>
          {{ tools | map('tojson') | join('\\n') }}
          </tools>

          For each function call, return a json object with function name and arguments within \
          <tool_call></tool_call> XML tags:
          <tool_call>
          {"name": <function-name>, "arguments": <args-json-object>}
          </tool_call>\
          """);

  private static final Template CALLS =
      Template.parse(
          "{% for call in calls %}{{ '' if loop.first else '\\n' }}"
              + ToolCallForm.MARKER
              + ToolCallForm.BEFORE_NAME
              + "{{ call.function.name }}"
              + ToolCallForm.BEHIND_NAME
              + "{{ call.function.arguments | tojson }}"
              + ToolCallForm.BEHIND_ARGUMENTS
              + "{% endfor %}");

  private ToolText() {}

  /** The same chat without tools, calls and results but as text. */
  static ChatPrompt of(ChatPrompt prompt) {
    List<ChatMessage> messages = new ArrayList<>();
    for (ChatMessage message : prompt.messages()) {
      ChatMessage plain = plain(message);
      ChatMessage last = messages.isEmpty() ? null : messages.getLast();
      if (last != null && message.role().equals("tool") && last.role().equals(plain.role())) {
        messages.removeLast(); // results of one turn are one message
        plain = new ChatMessage(plain.role(), last.content() + "\n" + plain.content());
      }
      messages.add(plain);
    }
    if (!prompt.tools().isEmpty()) {
      addTools(messages, prompt.tools());
    }
    return new ChatPrompt(messages, prompt.addGenerationPrompt(), List.of(), prompt.variables());
  }

  private static void addTools(List<ChatMessage> messages, List<Map<String, Object>> tools) {
    String text = render(TOOLS, "tools", tools);
    boolean hasSystem = !messages.isEmpty() && messages.getFirst().role().equals("system");
    if (hasSystem) {
      text = messages.removeFirst().content() + "\n\n" + text;
    }
    messages.addFirst(new ChatMessage("system", text));
  }

  private static ChatMessage plain(ChatMessage message) {
    String content = Objects.requireNonNullElse(message.content(), "");
    if (message.role().equals("tool")) {
      return new ChatMessage("user", "<tool_response>\n" + content + "\n</tool_response>");
    }
    if (!(message.extra().get("tool_calls") instanceof List<?> calls)) {
      return new ChatMessage(message.role(), content);
    }
    String text = render(CALLS, "calls", calls);
    return new ChatMessage(message.role(), content.isEmpty() ? text : content + "\n" + text);
  }

  private static String render(Template template, String name, Object value) {
    return template.render(Map.of(name, value), LocalDateTime.MIN).toString();
  }
}
