package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.constraint.SchemaException;

/** What a request wants its answer to be: text, or JSON that may have a schema. */
final class ResponseFormat {
  private ResponseFormat() {}

  /** OpenAI's {@code response_format}; null for text. */
  static @Nullable Grammar grammar(Fields body) {
    JsonNode format = body.get("response_format");
    if (format == null) {
      return null;
    }
    return switch (format.path("type").asText()) {
      case "text" -> null;
      case "json_object" -> Grammar.ofAnyObject();
      case "json_schema" -> schema(new Fields(format, "response_format."));
      default ->
          throw body.wrong(
              "response_format",
              "an object whose type is text, json_object or json_schema",
              format);
    };
  }

  private static Grammar schema(Fields format) {
    JsonNode value = format.get("json_schema");
    if (value == null || !value.isObject()) {
      throw ApiException.badRequest(
          "response_format.json_schema must be an object with a schema",
          "response_format.json_schema");
    }
    Fields named = new Fields(value, "response_format.json_schema.");
    named.text("name"); // it says nothing of the answer
    named.flag("strict"); // every schema is kept to
    JsonNode schema = named.get("schema");
    String path = named.prefix() + "schema";
    if (schema == null) {
      throw ApiException.badRequest(path + " is missing", path);
    }
    if (!schema.isObject()) {
      throw named.wrong("schema", "a JSON schema", schema);
    }
    return grammar(schema, path);
  }

  /** Ollama's {@code format}: "json" or a schema; null for text. */
  static @Nullable Grammar ollamaGrammar(Fields body) {
    JsonNode format = body.get("format");
    if (format == null || (format.isTextual() && format.textValue().isEmpty())) {
      return null;
    }
    if (format.isTextual() && format.textValue().equals("json")) {
      return Grammar.ofAnyObject();
    }
    if (!format.isObject()) {
      throw body.wrong("format", "\"json\" or a JSON schema", format);
    }
    return grammar(format, "format");
  }

  /** The grammar of a schema; what cannot be served is told by its place in the request. */
  static Grammar grammar(JsonNode schema, String path) {
    try {
      return Grammar.ofSchema(schema, path);
    } catch (SchemaException e) {
      throw ApiException.badRequest(String.valueOf(e.getMessage()), e.path());
    }
  }
}
