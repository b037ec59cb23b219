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
  private final State start;

  private Grammar(Value value) {
    start = new State(List.of(new Expect(value, Frame.End.INSTANCE, false)));
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

  /** Before the first byte. */
  State start() {
    return start;
  }
}
