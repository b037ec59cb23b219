package org.kithlm.model.constraint;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a place may hold, through references and alternatives. */
final class Alternatives {
  /** References and alternatives from one value to the first byte of it. */
  private static final int DEPTH_MAX = 32;

  private static final int COUNT_MAX = 256;

  private static final int UNDER_WAY = -1;

  private final Map<Value, Integer> counts = new HashMap<>();
  private final Set<Value> open = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Marks a value whose schema allows other types too, by saying nothing of them. */
  void markOpen(Value value) {
    open.add(value);
  }

  /** Refuses a value that is nothing but itself, or too many. */
  void check(Value value, String path) {
    count(value, path, 0);
  }

  private int count(Value value, String path, int depth) {
    List<Value> parts = parts(value);
    if (parts.isEmpty()) {
      return 1;
    }
    int known = counts.getOrDefault(value, 0);
    if (known > 0) {
      return known;
    }
    if (known == UNDER_WAY || depth > DEPTH_MAX) {
      throw new SchemaException(
          path,
          known == UNDER_WAY
              ? "refers to itself"
              : "goes through more than " + DEPTH_MAX + " $ref");
    }
    counts.put(value, UNDER_WAY);
    int count = 0;
    for (Value part : parts) {
      count += count(part, path, depth + 1);
    }
    if (count > COUNT_MAX) {
      throw new SchemaException(path, "has more than " + COUNT_MAX + " alternatives");
    }
    counts.put(value, count);
    return count;
  }

  private static List<Value> parts(Value value) {
    return switch (value) {
      case AnyOf anyOf -> anyOf.values();
      case Ref ref -> List.of(ref.target());
      default -> List.of();
    };
  }

  /** Refuses a oneOf of which a value might match two alternatives. */
  void checkDisjoint(AnyOf oneOf, String path) {
    List<List<Value>> all = oneOf.values().stream().map(this::leaves).toList();
    for (int i = 0; i < all.size(); i++) {
      for (int j = 0; j < i; j++) {
        for (Value a : all.get(i)) {
          for (Value b : all.get(j)) {
            if (!areDisjoint(a, b)) {
              throw new SchemaException(
                  path,
                  "is not supported where a value might match two of it, here [%d] and [%d]; use"
                          .formatted(j, i)
                      + " anyOf, or give each a type or a required property with its own const");
            }
          }
        }
      }
    }
  }

  private List<Value> leaves(Value value) {
    List<Value> parts = parts(value);
    if (parts.isEmpty() || open.contains(value)) {
      return List.of(value);
    }
    List<Value> leaves = new ArrayList<>();
    parts.forEach(part -> leaves.addAll(leaves(part)));
    return leaves;
  }

  private boolean areDisjoint(Value a, Value b) {
    if (open.contains(a) || open.contains(b)) {
      return false;
    }
    if (Collections.disjoint(kinds(a), kinds(b))) {
      return true;
    }
    if (a instanceof ObjectValue one && b instanceof ObjectValue other) {
      return one.properties().stream()
          .filter(ObjectValue.Property::required)
          .anyMatch(property -> other.properties().stream().anyMatch(p -> differs(property, p)));
    }
    return haveDifferentTexts(a, b);
  }

  private boolean differs(ObjectValue.Property a, ObjectValue.Property b) {
    return b.required()
        && a.key().equals(b.key())
        && leaves(a.value()).stream()
            .allMatch(
                one ->
                    leaves(b.value()).stream().allMatch(other -> haveDifferentTexts(one, other)));
  }

  /** Whether both are enumerations without numbers, which may be written in two ways. */
  private static boolean haveDifferentTexts(Value a, Value b) {
    return a instanceof EnumValue one
        && b instanceof EnumValue other
        && !kinds(a).contains('0')
        && Collections.disjoint(one.texts(), other.texts());
  }

  /** The types of JSON by which a value may begin: '0' for numbers, else the first character. */
  private static Set<Character> kinds(Value value) {
    Set<Character> kinds = new HashSet<>();
    for (int b = 0; b < 128; b++) {
      Frames frames = new Frames();
      value.open(b, Frame.End.INSTANCE, frames);
      if (!frames.frames().isEmpty()) {
        kinds.add(b == '-' || Character.isDigit(b) ? '0' : (char) b);
      }
    }
    return kinds;
  }
}
