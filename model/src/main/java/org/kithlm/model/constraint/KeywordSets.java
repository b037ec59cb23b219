package org.kithlm.model.constraint;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which keywords of JSON Schema say something of which type. */
final class KeywordSets {
  private static final Map<String, List<String>> BY_TYPE =
      Map.of(
          "object", List.of("properties", "required", "additionalProperties"),
          "array", List.of("items", "prefixItems", "minItems", "maxItems"),
          "string", List.of("minLength", "maxLength"),
          "number",
              List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"));

  /** Those of objects and arrays. */
  static final Set<String> CONTAINERS =
      BY_TYPE.entrySet().stream()
          .filter(entry -> isContainer(entry.getKey()))
          .flatMap(entry -> entry.getValue().stream())
          .collect(Collectors.toUnmodifiableSet());

  /** All that restrict a value and are supported. */
  static final Set<String> RESTRICTING =
      Stream.concat(
              Stream.of("type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"),
              BY_TYPE.values().stream().flatMap(List::stream))
          .collect(Collectors.toUnmodifiableSet());

  private KeywordSets() {}

  /** Keywords of a type. */
  static List<String> of(String type) {
    return BY_TYPE.getOrDefault(type, List.of());
  }

  static boolean isContainer(String type) {
    return type.equals("object") || type.equals("array");
  }
}
