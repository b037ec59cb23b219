package org.kithlm.model.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the keywords of one schema. What is wrong is told with the path of the keyword.
 *
 * @param path what the schema is called
 */
record Keywords(JsonNode schema, String path) {
  private static final Set<String> TYPES =
      Set.of("object", "array", "string", "integer", "number", "boolean", "null");

  /** The largest length that a schema may ask for. */
  private static final int COUNT_MAX = 1 << 20;

  String path(String keyword) {
    return path + "." + keyword;
  }

  @Nullable JsonNode get(String keyword) {
    return schema.get(keyword);
  }

  boolean has(String keyword) {
    return schema.has(keyword);
  }

  boolean flag(String keyword) {
    return schema.path(keyword).isBoolean() && schema.path(keyword).booleanValue();
  }

  boolean isFalse(String keyword) {
    return schema.path(keyword).isBoolean() && !schema.path(keyword).booleanValue();
  }

  /** Refuses keywords; those that are false ask for nothing. */
  void refuse(Set<String> keywords) {
    for (Map.Entry<String, JsonNode> field : schema.properties()) {
      if (keywords.contains(field.getKey()) && !isVoid(field.getKey())) {
        throw new SchemaException(path(field.getKey()), "is not supported");
      }
    }
  }

  private boolean isVoid(String keyword) {
    return keyword.equals("uniqueItems") && isFalse(keyword);
  }

  /** Refuses keywords beside another one. */
  void refuseBeside(String keyword, Set<String> refused) {
    for (Map.Entry<String, JsonNode> field : schema.properties()) {
      if (refused.contains(field.getKey()) && !field.getKey().equals(keyword)) {
        throw new SchemaException(path(field.getKey()), "is not supported beside " + keyword);
      }
    }
  }

  String text(String keyword) {
    JsonNode value = schema.path(keyword);
    if (!value.isTextual()) {
      throw new SchemaException(path(keyword), "must be a string");
    }
    return value.textValue();
  }

  List<String> texts(String keyword) {
    JsonNode value = schema.path(keyword);
    List<String> texts = new ArrayList<>();
    if (value.isMissingNode()) {
      return texts;
    }
    for (JsonNode one : array(keyword)) {
      if (!one.isTextual()) {
        throw new SchemaException(path(keyword), "must be an array of strings");
      }
      texts.add(one.textValue());
    }
    return texts;
  }

  /** The schemas of a keyword that has an array of them, at least one. */
  List<JsonNode> schemas(String keyword) {
    List<JsonNode> schemas = array(keyword);
    if (schemas.isEmpty()) {
      throw new SchemaException(path(keyword), "must have at least one schema");
    }
    return schemas;
  }

  Map<String, JsonNode> schemasByName(String keyword) {
    JsonNode value = schema.path(keyword);
    Map<String, JsonNode> schemas = new LinkedHashMap<>();
    if (!value.isMissingNode() && !value.isObject()) {
      throw new SchemaException(path(keyword), "must be an object from names to schemas");
    }
    value.properties().forEach(field -> schemas.put(field.getKey(), field.getValue()));
    return schemas;
  }

  /** The values of enum, or that of const; those of both where both are there. */
  List<JsonNode> enumeration() {
    JsonNode only = get("const");
    if (!has("enum")) {
      return only == null ? List.of() : List.of(only);
    }
    List<JsonNode> values = array("enum");
    return only == null ? values : values.stream().filter(only::equals).toList();
  }

  private List<JsonNode> array(String keyword) {
    JsonNode value = schema.path(keyword);
    if (!value.isArray()) {
      throw new SchemaException(path(keyword), "must be an array");
    }
    List<JsonNode> list = new ArrayList<>();
    value.forEach(list::add);
    return list;
  }

  /** The types by name, or else by the keywords that are there; none for any. */
  Set<String> types() {
    JsonNode type = get("type");
    Set<String> types = new LinkedHashSet<>();
    if (type == null) {
      for (String name : List.of("object", "array", "string", "number")) {
        if (KeywordSets.of(name).stream().anyMatch(this::has)) {
          types.add(name);
        }
      }
      return types;
    }
    for (JsonNode one : type.isArray() ? array("type") : List.of(type)) {
      if (!TYPES.contains(one.asText())) {
        throw new SchemaException(
            path("type"), "must be one of " + String.join(", ", TYPES.stream().sorted().toList()));
      }
      types.add(one.textValue());
    }
    if (types.isEmpty()) {
      throw new SchemaException(path("type"), "must name at least one type");
    }
    if (types.contains("number")) {
      types.remove("integer");
    }
    return types;
  }

  /** A length, or {@code absent}. */
  int count(String keyword, int absent) {
    if (!has(keyword)) {
      return absent;
    }
    BigDecimal value = decimal(keyword);
    if (value.signum() < 0 || value.stripTrailingZeros().scale() > 0) {
      throw new SchemaException(path(keyword), "must be a whole number of at least 0");
    }
    return value.min(BigDecimal.valueOf(COUNT_MAX)).intValue();
  }

  /** A number with bounds. */
  NumberValue number(int decimals) {
    NumberValue.Bound least = bound("minimum", "exclusiveMinimum", 1);
    NumberValue.Bound greatest = bound("maximum", "exclusiveMaximum", -1);
    return new NumberValue(Math.min(decimals, decimalsOfMultiples()), least, greatest);
  }

  /** The tighter of two bounds; {@code sign} is 1 where the greater is tighter, else -1. */
  private NumberValue.@Nullable Bound bound(String inclusive, String exclusive, int sign) {
    if (!has(exclusive)) {
      return has(inclusive) ? new NumberValue.Bound(decimal(inclusive), false) : null;
    }
    boolean looser =
        has(inclusive) && Integer.signum(decimal(exclusive).compareTo(decimal(inclusive))) == -sign;
    return looser
        ? new NumberValue.Bound(decimal(inclusive), false)
        : new NumberValue.Bound(decimal(exclusive), true);
  }

  private int decimalsOfMultiples() {
    if (!has("multipleOf")) {
      return NumberValue.DECIMALS;
    }
    BigDecimal step = decimal("multipleOf").stripTrailingZeros();
    boolean powerOfTen = step.unscaledValue().equals(BigInteger.ONE);
    if (!powerOfTen || step.scale() < 0 || step.scale() > NumberValue.DECIMALS) {
      throw new SchemaException(path("multipleOf"), "is only supported as 1, 0.1, 0.01 and so on");
    }
    return step.scale();
  }

  private BigDecimal decimal(String keyword) {
    JsonNode value = schema.path(keyword);
    if (!value.isNumber() || (value.isDouble() && !Double.isFinite(value.doubleValue()))) {
      throw new SchemaException(path(keyword), "must be a number");
    }
    return value.decimalValue();
  }
}
