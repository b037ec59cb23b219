package org.kithlm.model.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.List;

/**
 * The texts that an answer may be. Immutable; all threads share it.
 *
 * <p>Values are written without blanks but for one behind each colon and comma between members or
 * items. Members of an object come in the order of the schema's properties. Numbers have no
 * exponent.
 */
public final class Grammar {
  private final Value value;
  private final State start;

  private Grammar(Value value) {
    this.value = value;
    start = new State(List.of(value.before(Frame.End.INSTANCE)));
  }

  /**
   * JSON that is valid by a schema (JSON Schema 2020-12).
   *
   * @param path what the schema is called in errors
   * @throws SchemaException if it has a keyword that is not supported, is too large, or no value is
   *     valid
   */
  public static Grammar ofSchema(JsonNode schema, String path) {
    return new Grammar(JsonSchema.read(schema, path));
  }

  /** Any JSON object. */
  public static Grammar ofAnyObject() {
    return ofSchema(JsonNodeFactory.instance.objectNode().put("type", "object"), "object");
  }

  /**
   * Calls of tools.
   *
   * @param many whether there may be several
   * @throws SchemaException if a strict tool's parameters cannot be served
   */
  public static Grammar ofToolCalls(List<Tool> tools, boolean many) {
    return made(calls(tools, many));
  }

  /** Text that may end with calls of tools. */
  public static Grammar ofTextOrToolCalls(List<Tool> tools, boolean many) {
    return made(new FreeText(calls(tools, many)));
  }

  /** What this grammar has, or calls of tools. */
  public Grammar orToolCalls(List<Tool> tools, boolean many) {
    return made(new AnyOf(List.of(value, calls(tools, many))));
  }

  private static Grammar made(Value value) {
    value.improve();
    return new Grammar(value);
  }

  private static ToolCalls calls(List<Tool> tools, boolean many) {
    ToolCalls calls =
        new ToolCalls(
            tools.stream().map(tool -> new Cases.Case(tool.name(), arguments(tool))).toList(),
            many);
    calls.improve();
    return calls;
  }

  /** The arguments of a tool, always an object. */
  private static Value arguments(Tool tool) {
    JsonNode parameters = tool.parameters();
    if (parameters == null) {
      return made(new EnumValue("{}")).value;
    }
    if (parameters.isEmpty()) {
      return ofAnyObject().value;
    }
    try {
      if (!parameters.path("type").asText().equals("object")) {
        throw new SchemaException(tool.path() + ".type", "must be object");
      }
      return JsonSchema.read(parameters, tool.path());
    } catch (SchemaException e) {
      if (tool.strict()) {
        throw e;
      }
      return ofAnyObject().value;
    }
  }

  /** Before the first byte. */
  State start() {
    return start;
  }
}
