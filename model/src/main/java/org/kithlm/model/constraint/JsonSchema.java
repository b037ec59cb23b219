package org.kithlm.model.constraint;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON Schema (2020-12). What it makes allows only valid values, and may allow fewer: an
 * object has no members beyond its properties unless {@code additionalProperties} asks for them,
 * and a schema with keywords of one type and no {@code type} is taken for that type. A keyword that
 * restricts and is not known here is refused, never skipped.
 */
final class JsonSchema {
  private static final int SCHEMAS_MAX = 2000;
  private static final int DEPTH_MAX = 64;

  /** The shortest value that a schema may demand. */
  private static final int SHORTEST_MAX = 1 << 14;

  private static final List<String> ELSEWHERE = List.of("$ref", "anyOf", "oneOf", "allOf");

  private static final Set<String> REFUSED =
      Set.of(
          "pattern",
          "patternProperties",
          "propertyNames",
          "minProperties",
          "maxProperties",
          "dependencies",
          "dependentRequired",
          "dependentSchemas",
          "additionalItems",
          "contains",
          "minContains",
          "maxContains",
          "uniqueItems",
          "unevaluatedItems",
          "unevaluatedProperties",
          "not",
          "if",
          "then",
          "else",
          "$dynamicRef",
          "$recursiveRef");

  private final JsonNode root;
  private final String rootPath;
  private final Map<Value, String> paths = new LinkedHashMap<>(); // of all values made
  private final Map<String, Ref> refs = new HashMap<>(); // by pointer
  private final ArrayDeque<Unread> unread = new ArrayDeque<>();
  private final Map<AnyOf, String> exclusive = new LinkedHashMap<>(); // of oneOf, with their paths
  private final Alternatives alternatives = new Alternatives();
  private @Nullable Value any;
  private int schemas;

  /** A reference whose schema is still to be read. */
  private record Unread(String pointer, Ref ref) {}

  private JsonSchema(JsonNode root, String rootPath) {
    this.root = root;
    this.rootPath = rootPath;
  }

  /** The values that a schema allows; see {@link Grammar#ofSchema}. */
  static Value read(JsonNode schema, String path) {
    JsonSchema reader = new JsonSchema(schema, path);
    Value value = reader.value(schema, path, 0);
    while (!reader.unread.isEmpty()) {
      reader.readRef(reader.unread.remove());
    }
    reader.paths.forEach(reader.alternatives::check);
    reader.exclusive.forEach(reader.alternatives::checkDisjoint);
    reader.measure();
    return value;
  }

  private void measure() {
    List<Value> values = new ArrayList<>(paths.keySet()).reversed(); // parts come late
    boolean improved = true;
    while (improved) {
      improved = false;
      for (Value value : values) {
        improved |= value.improve();
      }
    }
    paths.forEach(
        (value, path) -> {
          if (value.shortestBytes() > SHORTEST_MAX) {
            throw new SchemaException(
                path, "allows no value of at most " + SHORTEST_MAX + " bytes");
          }
        });
  }

  private <T extends Value> T made(T value, String path) {
    paths.put(value, path);
    return value;
  }

  private void readRef(Unread next) {
    String pointer = next.pointer();
    JsonNode target;
    try {
      target = root.at(JsonPointer.compile(pointer));
    } catch (IllegalArgumentException e) {
      throw new SchemaException("$ref \"#" + pointer + "\"", "is no JSON pointer");
    }
    if (target.isMissingNode()) {
      throw new SchemaException("$ref \"#" + pointer + "\"", "points to nothing in " + rootPath);
    }
    next.ref().resolve(value(target, rootPath + pointer.replace('/', '.'), 0));
  }

  private Value value(JsonNode schema, String path, int depth) {
    if (++schemas > SCHEMAS_MAX) {
      throw new SchemaException(rootPath, "has more than " + SCHEMAS_MAX + " schemas in it");
    }
    if (depth > DEPTH_MAX) {
      throw new SchemaException(rootPath, "is nested deeper than " + DEPTH_MAX + " schemas");
    }
    if (schema.isBoolean() && schema.booleanValue()) {
      return anyValue();
    }
    if (!schema.isObject()) {
      throw new SchemaException(
          path, schema.isBoolean() ? "allows no value" : "must be an object or true");
    }
    Keywords keywords = new Keywords(schema, path);
    keywords.refuse(REFUSED);
    Value value = value(keywords, depth);
    return keywords.flag("nullable")
        ? made(new AnyOf(List.of(value, literal("null", path))), path)
        : value;
  }

  private Value value(Keywords schema, int depth) {
    for (String name : ELSEWHERE) {
      if (schema.has(name)) {
        schema.refuseBeside(name, KeywordSets.RESTRICTING);
        return switch (name) {
          case "$ref" -> ref(schema);
          case "allOf" -> allOf(schema, depth);
          default -> anyOf(schema, name, depth);
        };
      }
    }
    if (schema.has("enum") || schema.has("const")) {
      return enumeration(schema);
    }
    Set<String> types = schema.types();
    if (types.isEmpty()) {
      return anyValue();
    }
    List<Value> values = new ArrayList<>();
    for (String type : types) {
      values.add(typed(type, schema, depth));
    }
    Value value = values.size() == 1 ? values.getFirst() : made(new AnyOf(values), schema.path());
    if (!schema.has("type")) {
      alternatives.markOpen(value);
    }
    return value;
  }

  private Value ref(Keywords schema) {
    String text = schema.text("$ref");
    if (!text.equals("#") && !text.startsWith("#/")) {
      throw new SchemaException(
          schema.path("$ref"), "must point into the same schema, as \"#/$defs/name\" does");
    }
    String pointer = text.substring(1);
    Ref known = refs.get(pointer);
    if (known == null) {
      known = made(new Ref(), schema.path("$ref"));
      refs.put(pointer, known);
      unread.add(new Unread(pointer, known));
    }
    return known;
  }

  private Value allOf(Keywords schema, int depth) {
    List<JsonNode> parts = schema.schemas("allOf");
    if (parts.size() != 1) {
      throw new SchemaException(
          schema.path("allOf"), "is not supported with more than one schema; merge them");
    }
    return value(parts.getFirst(), schema.path("allOf") + "[0]", depth + 1);
  }

  private Value anyOf(Keywords schema, String name, int depth) {
    List<Value> values = new ArrayList<>();
    for (JsonNode part : schema.schemas(name)) {
      values.add(value(part, schema.path(name) + "[" + values.size() + "]", depth + 1));
    }
    AnyOf made = made(new AnyOf(values), schema.path());
    if (name.equals("oneOf")) {
      exclusive.put(made, schema.path(name));
    }
    return made;
  }

  /** The values of enum and const that the other keywords allow too. */
  private Value enumeration(Keywords schema) {
    Set<String> texts = new LinkedHashSet<>();
    for (JsonNode one : schema.enumeration()) {
      if (allows(schema, one)) {
        texts.add(JsonText.of(one, schema.path()));
      }
    }
    if (texts.isEmpty()) {
      throw new SchemaException(schema.path(), "allows none of its enum or const");
    }
    return made(new EnumValue(texts), schema.path());
  }

  private boolean allows(Keywords schema, JsonNode value) {
    if (value.isContainerNode()) {
      schema.refuseBeside("an enum with objects or arrays", KeywordSets.CONTAINERS);
      return schema.types().isEmpty()
          || schema.types().contains(value.isObject() ? "object" : "array");
    }
    Set<String> types = schema.has("type") ? schema.types() : JsonText.typesOf(value);
    for (String type : types) {
      if (!KeywordSets.isContainer(type)) {
        State end =
            new State(List.of(new Expect(scalar(type, schema), Frame.End.INSTANCE, false)))
                .next(JsonText.of(value, schema.path()).getBytes(StandardCharsets.UTF_8));
        if (end != null && end.isComplete()) {
          return true;
        }
      }
    }
    return false;
  }

  private Value typed(String type, Keywords schema, int depth) {
    return switch (type) {
      case "object" -> made(object(schema, depth), schema.path());
      case "array" -> made(array(schema, depth), schema.path());
      default -> made(scalar(type, schema), schema.path());
    };
  }

  private static Value scalar(String type, Keywords schema) {
    return switch (type) {
      case "string" ->
          new StringValue(
              schema.count("minLength", 0), schema.count("maxLength", StringValue.UNBOUNDED));
      case "integer" -> schema.number(0);
      case "number" -> schema.number(NumberValue.DECIMALS);
      case "boolean" -> new EnumValue(List.of("true", "false"));
      default -> new EnumValue("null");
    };
  }

  private Value object(Keywords schema, int depth) {
    Map<String, JsonNode> properties = schema.schemasByName("properties");
    Set<String> required = new LinkedHashSet<>(schema.texts("required"));
    // As llama.cpp and OpenAI have it: a model adds nothing to listed properties unasked.
    boolean closed = schema.has("properties") && !schema.has("additionalProperties");
    Value others = closed ? null : part(schema, "additionalProperties", depth);
    List<ObjectValue.Property> list = new ArrayList<>();
    properties.forEach(
        (name, property) ->
            list.add(
                new ObjectValue.Property(
                    JsonText.of(name),
                    value(property, schema.path("properties") + "." + name, depth + 1),
                    required.remove(name))));
    for (String name : required) {
      if (schema.isFalse("additionalProperties")) {
        throw new SchemaException(
            schema.path("required"), "names \"" + name + "\", which additionalProperties forbids");
      }
      list.add(
          new ObjectValue.Property(JsonText.of(name), others == null ? anyValue() : others, true));
    }
    return new ObjectValue(list, others);
  }

  private Value array(Keywords schema, int depth) {
    List<Value> first = new ArrayList<>();
    if (schema.has("prefixItems")) {
      for (JsonNode item : schema.schemas("prefixItems")) {
        first.add(value(item, schema.path("prefixItems") + "[" + first.size() + "]", depth + 1));
      }
    }
    return new ArrayValue(
        first,
        part(schema, "items", depth),
        schema.count("minItems", 0),
        schema.count("maxItems", ArrayValue.UNBOUNDED));
  }

  /** What a keyword with one schema allows; all where it is missing, null for false. */
  private @Nullable Value part(Keywords schema, String name, int depth) {
    if (schema.isFalse(name)) {
      return null;
    }
    JsonNode part = schema.get(name);
    return part == null ? anyValue() : value(part, schema.path(name), depth + 1);
  }

  private Value literal(String text, String path) {
    return made(new EnumValue(text), path);
  }

  /** Any JSON. */
  private Value anyValue() {
    if (any == null) {
      Ref self = made(new Ref(), rootPath);
      any = self;
      self.resolve(
          made(
              new AnyOf(
                  List.of(
                      made(new StringValue(0, StringValue.UNBOUNDED), rootPath),
                      made(new NumberValue(NumberValue.DECIMALS, null, null), rootPath),
                      made(new EnumValue(List.of("true", "false", "null")), rootPath),
                      made(new ObjectValue(List.of(), self), rootPath),
                      made(new ArrayValue(List.of(), self, 0, ArrayValue.UNBOUNDED), rootPath))),
              rootPath));
    }
    return any;
  }
}
