package org.kithlm.coordinator.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the tool calls and results that the messages of a chat have, as templates know them. */
final class ToolCallFields {
  private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

  private ToolCallFields() {}

  /** The fields of a message beside role and content. */
  static Map<String, Object> read(Fields message) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (String name : List.of("tool_call_id", "name", "tool_name")) {
      String value = message.text(name);
      if (value != null) {
        fields.put(name.equals("tool_name") ? "name" : name, value); // Ollama's word
      }
    }
    JsonNode calls = message.get("tool_calls");
    if (calls != null && !calls.isArray()) {
      throw message.wrong("tool_calls", "an array of calls", calls);
    }
    if (calls != null && !calls.isEmpty()) {
      List<Map<String, Object>> list = new ArrayList<>(calls.size());
      for (JsonNode call : calls) {
        list.add(call(call, message.prefix() + "tool_calls[" + list.size() + "]"));
      }
      fields.put("tool_calls", list);
    }
    return fields;
  }

  private static Map<String, Object> call(JsonNode call, String path) {
    if (!call.path("type").asText("function").equals("function")
        || !call.path("function").isObject()) {
      throw ApiException.badRequest(
          path + " must be an object with type function and a function", path);
    }
    Fields function = new Fields(call.path("function"), path + ".function.");
    String name = function.text("name");
    if (name == null) {
      throw ApiException.badRequest(path + ".function.name is missing", path + ".function.name");
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    String id = new Fields(call, path + ".").text("id");
    if (id != null) {
      fields.put("id", id);
    }
    fields.put("type", "function");
    fields.put("function", Map.of("name", name, "arguments", arguments(function)));
    return fields;
  }

  /** An object; OpenAI's API has it as text. */
  private static Map<String, Object> arguments(Fields function) {
    JsonNode arguments = function.get("arguments");
    if (arguments == null) {
      return Map.of();
    }
    JsonNode object = arguments;
    if (arguments.isTextual()) {
      try {
        object = Json.MAPPER.readTree(arguments.textValue());
      } catch (JsonProcessingException e) {
        throw function.wrong("arguments", "a JSON object as text", arguments);
      }
    }
    if (!object.isObject()) {
      throw function.wrong("arguments", "a JSON object as text", arguments);
    }
    return Json.MAPPER.convertValue(object, MAP);
  }
}
