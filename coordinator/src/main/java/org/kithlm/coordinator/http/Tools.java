package org.kithlm.coordinator.http;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.constraint.SchemaException;
import org.kithlm.model.constraint.Tool;

/**
 * The functions that a model may call.
 *
 * @param described all of them as the request has them, for the model to read; empty where it must
 *     call none
 * @param callable those that it may call
 * @param required whether it must call one
 * @param many whether it may call several
 */
record Tools(
    List<Map<String, Object>> described, List<Tool> callable, boolean required, boolean many) {
  static final Tools NONE = new Tools(List.of(), List.of(), false, false);

  private static final int MAX = 128; // as in OpenAI's API
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");
  private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

  /** Reads {@code tools}, {@code tool_choice} and {@code parallel_tool_calls}. */
  static Tools read(Fields body) {
    Tools all = all(body);
    JsonNode choice = body.get("tool_choice");
    boolean many = !body.has("parallel_tool_calls") || body.flag("parallel_tool_calls");
    if (choice == null || choice.asText().equals("auto")) {
      return new Tools(all.described(), all.callable(), false, many);
    }
    if (choice.asText().equals("none")) {
      return NONE;
    }
    boolean named = choice.isObject() && choice.path("type").asText().equals("function");
    if (!named && !choice.asText().equals("required")) {
      throw body.wrong(
          "tool_choice", "none, auto, required or an object with type function and a name", choice);
    }
    if (all.callable().isEmpty()) {
      throw ApiException.badRequest("tool_choice needs tools", "tool_choice");
    }
    return named
        ? new Tools(all.described(), List.of(all.named(choice)), true, false)
        : new Tools(all.described(), all.callable(), true, many);
  }

  /** Reads Ollama's {@code tools}, which has no further fields. */
  static Tools all(Fields body) {
    JsonNode array = body.get("tools");
    if (array == null) {
      return NONE;
    }
    if (!array.isArray() || array.size() > MAX) {
      throw body.wrong("tools", "an array of at most " + MAX + " tools", array);
    }
    List<Map<String, Object>> described = new ArrayList<>();
    List<Tool> callable = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (JsonNode tool : array) {
      String path = "tools[" + described.size() + "]";
      if (!tool.path("type").asText("function").equals("function")) {
        throw ApiException.unsupported(
            path + ".type", "only functions can be called, got " + Fields.quoted(tool.get("type")));
      }
      if (!tool.path("function").isObject()) {
        throw ApiException.badRequest(
            path + ".function must be an object with a name", path + ".function");
      }
      Tool read = tool(new Fields(tool.path("function"), path + ".function."));
      if (!names.add(read.name())) {
        throw ApiException.badRequest(
            path + ".function.name is there twice: \"" + read.name() + "\"",
            path + ".function.name");
      }
      callable.add(read);
      described.add(Json.MAPPER.convertValue(tool, MAP));
    }
    return new Tools(List.copyOf(described), List.copyOf(callable), false, true);
  }

  private static Tool tool(Fields function) {
    String name = function.text("name");
    if (name == null || !NAME.matcher(name).matches()) {
      throw ApiException.badRequest(
          function.prefix()
              + "name must be 1 to 64 letters, digits, underscores and dashes, got "
              + (name == null ? "none" : '"' + name + '"'),
          function.prefix() + "name");
    }
    function.text("description");
    JsonNode parameters = function.get("parameters");
    if (parameters != null && !parameters.isObject()) {
      throw function.wrong("parameters", "a JSON schema", parameters);
    }
    return new Tool(name, parameters, function.prefix() + "parameters", function.flag("strict"));
  }

  private Tool named(JsonNode choice) {
    String name = choice.at("/function/name").asText();
    return callable.stream()
        .filter(tool -> tool.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                ApiException.badRequest(
                    "tool_choice.function.name must be that of one of the tools, got \""
                        + name
                        + '"',
                    "tool_choice.function.name"));
  }

  /** Whether the model may call any. */
  boolean areOffered() {
    return !callable.isEmpty();
  }

  /**
   * What the answer must be, null for anything.
   *
   * @param answer what it must be where it calls no tool, null for anything
   */
  @Nullable Grammar grammar(@Nullable Grammar answer) {
    if (!areOffered()) {
      return answer;
    }
    try {
      if (required) {
        return Grammar.ofToolCalls(callable, many);
      }
      return answer == null
          ? Grammar.ofTextOrToolCalls(callable, many)
          : answer.orToolCalls(callable, many);
    } catch (SchemaException e) {
      throw ApiException.badRequest(String.valueOf(e.getMessage()), e.path());
    }
  }
}
