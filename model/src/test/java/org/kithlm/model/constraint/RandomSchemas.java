package org.kithlm.model.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.List;
import java.util.Random;

/** Draws schemas that use all that is supported. */
final class RandomSchemas {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final List<String> NAMES =
      List.of("a", "ab", "abc", "name", "naïve", "with \"quotes\"", "zero", "日本", "x\ny", "");
  private static final int DEPTH_MAX = 3;

  private final Random random;

  RandomSchemas(long seed) {
    random = new Random(seed);
  }

  /** A schema with definitions, one of which refers to itself. */
  JsonNode next() {
    ObjectNode root = chance(3) ? object(0) : value(0);
    ObjectNode definitions = root.putObject("$defs");
    definitions.set("leaf", scalar());
    ObjectNode list = definitions.putObject("list");
    list.put("type", "object").put("additionalProperties", false);
    ObjectNode members = list.putObject("properties");
    members.set("head", scalar());
    members.putObject("tail").putArray("anyOf").add(ref("list")).add(type("null"));
    ArrayNode required = list.putArray("required");
    required.add("head");
    if (chance(2)) {
      required.add("tail");
    }
    return root;
  }

  private boolean chance(int in) {
    return random.nextInt(in) == 0;
  }

  private static ObjectNode type(String name) {
    return JSON.objectNode().put("type", name);
  }

  private static ObjectNode ref(String name) {
    return JSON.objectNode().put("$ref", "#/$defs/" + name);
  }

  private ObjectNode value(int depth) {
    if (depth == DEPTH_MAX) {
      return scalar();
    }
    return switch (random.nextInt(9)) {
      case 0, 1 -> object(depth);
      case 2, 3 -> array(depth);
      case 4 -> alternatives(depth);
      case 5 -> ref(chance(2) ? "list" : "leaf");
      case 6 -> JSON.objectNode(); // any JSON
      default -> scalar();
    };
  }

  private ObjectNode object(int depth) {
    ObjectNode schema = type("object").put("description", "an object");
    int count = random.nextInt(5);
    int first = random.nextInt(NAMES.size());
    ObjectNode properties = JSON.objectNode();
    ArrayNode required = JSON.arrayNode();
    for (int i = 0; i < count; i++) {
      String name = NAMES.get((first + i) % NAMES.size());
      properties.set(name, value(depth + 1));
      if (chance(2)) {
        required.add(name);
      }
    }
    if (!chance(6)) {
      schema.set("properties", properties);
      schema.set("required", required);
    }
    switch (random.nextInt(4)) {
      case 0 -> schema.put("additionalProperties", false);
      case 1 -> schema.put("additionalProperties", true);
      case 2 -> schema.set("additionalProperties", scalar());
      default -> {}
    }
    return schema;
  }

  private ObjectNode array(int depth) {
    ObjectNode schema = type("array");
    boolean tuple = chance(3);
    int first = 0;
    if (tuple) {
      ArrayNode prefix = schema.putArray("prefixItems");
      for (first = 1 + random.nextInt(3); prefix.size() < first; ) {
        prefix.add(value(depth + 1));
      }
    }
    boolean closed = tuple && chance(2);
    if (closed) {
      schema.put("items", false);
    } else if (!chance(4)) {
      schema.set("items", value(depth + 1));
    }
    int min = random.nextInt(closed ? first + 1 : 4);
    if (chance(2)) {
      schema.put("minItems", min);
    }
    if (chance(2)) {
      schema.put("maxItems", min + random.nextInt(3));
    }
    return schema;
  }

  private ObjectNode alternatives(int depth) {
    ObjectNode schema = JSON.objectNode();
    switch (random.nextInt(4)) {
      case 0 -> schema.putArray("allOf").add(value(depth + 1));
      case 1 -> {
        ArrayNode parts = schema.putArray("oneOf");
        parts.add(type("string")).add(number()).add(tagged("cat", depth)).add(tagged("dog", depth));
      }
      default -> {
        ArrayNode parts = schema.putArray("anyOf");
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
          parts.add(value(depth + 1));
        }
      }
    }
    return schema;
  }

  private ObjectNode tagged(String tag, int depth) {
    ObjectNode schema = type("object");
    ObjectNode properties = schema.putObject("properties");
    properties.putObject("kind").put("const", tag);
    properties.set("more", value(depth + 1));
    schema.putArray("required").add("kind");
    return schema;
  }

  private ObjectNode scalar() {
    return switch (random.nextInt(7)) {
      case 0 -> string();
      case 1, 2 -> number();
      case 3 -> type("boolean");
      case 4 -> enumeration();
      case 5 -> {
        ObjectNode schema = number();
        schema.putArray("type").add("string").add("integer").add("null");
        yield schema;
      }
      default -> string().put("format", "date");
    };
  }

  private ObjectNode string() {
    ObjectNode schema = type("string");
    int min = random.nextInt(6);
    if (chance(2)) {
      schema.put("minLength", min);
    }
    if (chance(2)) {
      schema.put("maxLength", min + random.nextInt(6));
    }
    return schema;
  }

  private ObjectNode number() {
    boolean integer = chance(2);
    ObjectNode schema = type(integer ? "integer" : "number");
    BigDecimal low = new BigDecimal(random.nextInt(-2000, 2000)).movePointLeft(integer ? 0 : 1);
    if (chance(2)) {
      schema.put(chance(2) ? "minimum" : "exclusiveMinimum", low);
    }
    if (chance(2)) {
      BigDecimal high = low.add(new BigDecimal(2 + random.nextInt(300)));
      schema.put(chance(2) ? "maximum" : "exclusiveMaximum", high);
    }
    if (chance(5)) {
      schema.put("multipleOf", integer ? BigDecimal.ONE : new BigDecimal("0.01"));
    }
    return schema;
  }

  private ObjectNode enumeration() {
    ObjectNode schema = JSON.objectNode();
    ArrayNode values = schema.putArray("enum");
    values.add("red").add("redder").add("grün").add(1).add(12).add(-0.5).addNull().add(true);
    values.addObject().put("a", 1).putArray("b").add("c");
    return schema;
  }
}
