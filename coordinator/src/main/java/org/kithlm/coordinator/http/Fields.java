package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * Reads the fields of a JSON object strictly: a string is no number. An absent field and a null are
 * the same. Every refusal names the field, what it must be and what was there.
 *
 * @param object what is read
 * @param prefix its own name and a dot, empty for the body
 */
record Fields(JsonNode object, String prefix) {
  /** Characters of a wrong value that are quoted back. */
  private static final int QUOTED_LENGTH = 40;

  Fields(JsonNode body) {
    this(body, "");
  }

  /** The value of a field, null where it is absent. */
  @Nullable JsonNode get(String name) {
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }

  boolean has(String name) {
    return get(name) != null;
  }

  @Nullable String text(String name) {
    JsonNode value = get(name);
    if (value != null && !value.isTextual()) {
      throw wrong(name, "a string", value);
    }
    return value == null ? null : value.textValue();
  }

  boolean flag(String name) {
    JsonNode value = get(name);
    if (value != null && !value.isBoolean()) {
      throw wrong(name, "true or false", value);
    }
    return value != null && value.booleanValue();
  }

  double number(String name, double min, double max, double absent) {
    JsonNode value = get(name);
    if (value == null) {
      return absent;
    }
    if (!value.isNumber() || !(value.doubleValue() >= min && value.doubleValue() <= max)) {
      throw wrong(name, "a number from " + plain(min) + " to " + plain(max), value);
    }
    return value.doubleValue();
  }

  long integer(String name, long min, long max, long absent) {
    JsonNode value = get(name);
    if (value == null) {
      return absent;
    }
    if (!value.isIntegralNumber()
        || !value.canConvertToLong()
        || value.longValue() < min
        || value.longValue() > max) {
      throw wrong(name, "an integer from " + min + " to " + max, value);
    }
    return value.longValue();
  }

  /** A refusal of a field's value. */
  ApiException wrong(String name, String expected, JsonNode got) {
    String param = prefix + name;
    return ApiException.badRequest(param + " must be " + expected + ", got " + quoted(got), param);
  }

  /** A value as JSON, cut after a few characters. */
  static String quoted(JsonNode value) {
    String text = value.toString();
    return text.length() <= QUOTED_LENGTH ? text : text.substring(0, QUOTED_LENGTH) + "...";
  }

  private static String plain(double bound) {
    return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
  }
}
