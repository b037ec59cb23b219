package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.model.constraint.Grammar;

/**
 * The body of a request to {@code /v1/chat/completions}.
 *
 * @param options what all completions share
 * @param messages at least one
 * @param tools what the model may call
 * @param shortens whether old turns may be left out where the chat does not fit the context
 */
record ChatRequest(
    CompletionOptions options, List<ChatService.Message> messages, Tools tools, boolean shortens) {
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  static ChatRequest read(Fields body) {
    refuseUnsupported(body);
    boolean logprobs = body.flag("logprobs");
    int topLogprobs = (int) body.integer("top_logprobs", 0, CompletionOptions.TOP_LOGPROBS_MAX, 0);
    if (topLogprobs > 0 && !logprobs) {
      throw ApiException.badRequest("top_logprobs needs logprobs: true", "top_logprobs");
    }
    Tools tools = Tools.read(body);
    Grammar grammar = tools.grammar(ResponseFormat.grammar(body));
    CompletionOptions options =
        CompletionOptions.read(body, logprobs, topLogprobs, grammar, thinkingTokens(body));
    List<ChatService.Message> messages = readMessages(body);
    return new ChatRequest(
        options.withPriority(Priorities.of(body, messages, options.stream())),
        messages,
        tools,
        shortens(body));
  }

  /** The word and its values are those of OpenAI's newer Responses API. */
  private static boolean shortens(Fields body) {
    JsonNode truncation = body.get("truncation");
    if (truncation == null) {
      return false;
    }
    if (!Set.of("auto", "disabled").contains(truncation.asText())) {
      throw body.wrong("truncation", "\"auto\" or \"disabled\"", truncation);
    }
    return truncation.asText().equals("auto");
  }

  /** The field is OpenRouter's; its others say nothing here. */
  private static @Nullable Integer thinkingTokens(Fields body) {
    JsonNode reasoning = body.get("reasoning");
    if (reasoning == null) {
      return null;
    }
    if (!reasoning.isObject()) {
      throw body.wrong("reasoning", "an object", reasoning);
    }
    Fields fields = new Fields(reasoning, "reasoning.");
    return fields.has("max_tokens")
        ? (int) fields.integer("max_tokens", 0, Integer.MAX_VALUE, 0)
        : null;
  }

  private static void refuseUnsupported(Fields body) {
    JsonNode functions = body.get("functions");
    if (functions != null && !functions.isEmpty()) {
      throw ApiException.unsupported("functions", "use tools, its newer form");
    }
    JsonNode call = body.get("function_call");
    if (call != null && !Set.of("none", "auto").contains(call.asText())) {
      throw ApiException.unsupported("function_call", "use tool_choice, its newer form");
    }
    JsonNode modalities = body.get("modalities");
    if (modalities != null && !modalities.toString().equals("[\"text\"]")) {
      throw ApiException.unsupported("modalities", "this endpoint writes only text");
    }
  }

  private static List<ChatService.Message> readMessages(Fields body) {
    JsonNode array = body.get("messages");
    if (array == null || !array.isArray() || array.isEmpty()) {
      throw ApiException.badRequest(
          "messages must be an array of at least one message"
              + (array == null ? "" : ", got " + Fields.quoted(array)),
          "messages");
    }
    List<ChatService.Message> messages = new ArrayList<>(array.size());
    for (JsonNode message : array) {
      String name = "messages[" + messages.size() + "]";
      if (!message.isObject()) {
        throw body.wrong(name, "an object with role and content", message);
      }
      messages.add(readMessage(new Fields(message, name + ".")));
    }
    return List.copyOf(messages);
  }

  private static ChatService.Message readMessage(Fields message) {
    String role = message.text("role");
    if (role == null || !ROLES.contains(role)) {
      throw ApiException.badRequest(
          message.prefix()
              + "role must be system, developer, user, assistant or tool, got "
              + (role == null ? "none" : '"' + role + '"'),
          message.prefix() + "role");
    }
    // Templates know only "system"; "developer" is OpenAI's newer word for it.
    return new ChatService.Message(
        role.equals("developer") ? "system" : role,
        content(message, message.get("content")),
        ToolCallFields.read(message));
  }

  /** The text of a message: a string, nothing, or text parts, one per line. */
  private static String content(Fields message, @Nullable JsonNode content) {
    if (content == null) {
      return "";
    }
    if (content.isTextual()) {
      return content.textValue();
    }
    if (!content.isArray()) {
      throw message.wrong("content", "a string, null or an array of text parts", content);
    }
    List<String> texts = new ArrayList<>(content.size());
    for (JsonNode part : content) {
      texts.add(partText(new Fields(part, message.prefix() + "content[" + texts.size() + "].")));
    }
    return String.join("\n", texts);
  }

  private static String partText(Fields part) {
    String type = part.text("type");
    if (!"text".equals(type)) {
      throw ApiException.unsupported(
          part.prefix() + "type",
          "only text parts can be read, got " + (type == null ? "none" : '"' + type + '"'));
    }
    String text = part.text("text");
    if (text == null) {
      throw ApiException.badRequest(part.prefix() + "text is missing", part.prefix() + "text");
    }
    return text;
  }
}
