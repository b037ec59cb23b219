package org.kithlm.model.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.Set;

/** Given values as the JSON that an answer has them in: without blanks and exponents. */
final class JsonText {
  /** Digits that an exponent may add. */
  private static final int EXPONENT_MAX = 30;

  private JsonText() {}

  /** A string as JSON. */
  static String of(String text) {
    return TextNode.valueOf(text).toString();
  }

  /** A value as JSON. */
  static String of(JsonNode value, String path) {
    if (!value.isFloatingPointNumber()) {
      return value.toString();
    }
    double number = value.doubleValue();
    if (!Double.isFinite(number) || Math.abs(value.decimalValue().scale()) > EXPONENT_MAX) {
      throw new SchemaException(path, "has a number that is too long: " + value);
    }
    return value.decimalValue().toPlainString();
  }

  /** The types of JSON Schema that a value has. */
  static Set<String> typesOf(JsonNode value) {
    return switch (value.getNodeType()) {
      case OBJECT -> Set.of("object");
      case ARRAY -> Set.of("array");
      case STRING -> Set.of("string");
      case NUMBER -> Set.of("number");
      case BOOLEAN -> Set.of("boolean");
      default -> Set.of("null");
    };
  }
}
