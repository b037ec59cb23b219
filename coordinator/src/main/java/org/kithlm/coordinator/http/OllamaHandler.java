package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.generation.ChatService;

/** Ollama's {@code POST /api/chat} and {@code /api/generate}. Thread-safe. */
final class OllamaHandler {
  private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");

  private final ChatService service;
  private final Answers answers;

  OllamaHandler(ChatService service, Answers answers) {
    this.service = service;
    this.answers = answers;
  }

  CompletionStage<HttpResponse> chat(Fields body, CompletionStage<Done> over) {
    Tools tools = Tools.all(body);
    CompletionOptions options = options(body, tools);
    List<ChatService.Message> messages = messages(body);
    OllamaFormat format = new OllamaFormat(service.model().id(), true, tools.areOffered());
    return messages.isEmpty()
        ? CompletableFuture.completedFuture(Json.ok(format.loaded()))
        : answer(
            answers.tokenizeChat(messages, tools),
            options.withPriority(Priorities.of(body, messages, options.stream())),
            format,
            "messages",
            over);
  }

  CompletionStage<HttpResponse> generate(Fields body, CompletionStage<Done> over) {
    CompletionOptions options = options(body, Tools.NONE);
    for (String name : List.of("suffix", "template", "context", "images", "tools")) {
      if (OllamaRequest.isGiven(body, name)) {
        throw ApiException.unsupported(name, "send a prompt, and a system text if need be");
      }
    }
    String prompt = Objects.requireNonNullElse(body.text("prompt"), "");
    String system = Objects.requireNonNullElse(body.text("system"), "");
    boolean raw = body.flag("raw");
    OllamaFormat format = new OllamaFormat(service.model().id(), false, false);
    if (prompt.isEmpty()) {
      return CompletableFuture.completedFuture(Json.ok(format.loaded()));
    }
    int[] tokens =
        raw
            ? service.tokenize(prompt)
            : answers.tokenizeChat(
                system.isEmpty()
                    ? List.of(new ChatService.Message("user", prompt))
                    : List.of(
                        new ChatService.Message("system", system),
                        new ChatService.Message("user", prompt)),
                Tools.NONE);
    return answer(tokens, options, format, "prompt", over);
  }

  private CompletionOptions options(Fields body, Tools tools) {
    CompletionOptions options = OllamaRequest.options(body, service.model().id(), tools);
    answers.checkServed(options);
    return options;
  }

  private CompletionStage<HttpResponse> answer(
      int[] prompt,
      CompletionOptions options,
      OllamaFormat format,
      String promptParam,
      CompletionStage<Done> over) {
    return answers.answer(prompt, Answers.NO_LIMIT, options, format, promptParam, over);
  }

  private static List<ChatService.Message> messages(Fields body) {
    JsonNode array = body.get("messages");
    if (array == null) {
      return List.of();
    }
    if (!array.isArray()) {
      throw body.wrong("messages", "an array of messages", array);
    }
    List<ChatService.Message> messages = new ArrayList<>(array.size());
    for (JsonNode message : array) {
      String name = "messages[" + messages.size() + "]";
      if (!message.isObject()) {
        throw body.wrong(name, "an object with role and content", message);
      }
      messages.add(message(new Fields(message, name + ".")));
    }
    return List.copyOf(messages);
  }

  private static ChatService.Message message(Fields message) {
    String role = message.text("role");
    if (role == null || !ROLES.contains(role)) {
      throw ApiException.badRequest(
          message.prefix()
              + "role must be system, user, assistant or tool, got "
              + (role == null ? "none" : '"' + role + '"'),
          message.prefix() + "role");
    }
    if (OllamaRequest.isGiven(message, "images")) {
      throw ApiException.unsupported(
          message.prefix() + "images", "only the text of messages can be read");
    }
    return new ChatService.Message(
        role,
        Objects.requireNonNullElse(message.text("content"), ""),
        ToolCallFields.read(message));
  }
}
