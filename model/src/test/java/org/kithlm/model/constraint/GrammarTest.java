package org.kithlm.model.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrammarTest {
  private static final long SEED = 7;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private static JsonNode json(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(text, e);
    }
  }

  private static Grammar grammar(String schema) {
    return Grammar.ofSchema(json(schema), "schema");
  }

  private static boolean accepts(Grammar grammar, String text) {
    State end = grammar.start().next(text.getBytes(StandardCharsets.UTF_8));
    return end != null && end.isComplete();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"type\":\"string\"}|\"a\\n\\u00e9é😀\"|\"a|\"\\ud83d\"",
        "{\"type\":\"string\",\"minLength\":2,\"maxLength\":2}|\"é😀\"|\"a\"|\"abc\"",
        "{\"type\":[\"string\",\"null\"]}|null|1|nul",
        "{\"type\":\"string\",\"nullable\":true}|null|1|\"",
        "{\"enum\":[\"a\",\"ab\",1,12]}|12|2|\"abc\"",
        "{\"enum\":[\"a\",\"abc\",1],\"type\":\"string\",\"minLength\":2}|\"abc\"|\"a\"|1",
        "{\"const\":{\"a\":[1]}}|{\"a\":[1]}|{\"a\": [1]}|{}",
        "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":2}|[1,"
            + " 2]|[]|[1,2,3]",
        "{\"type\":\"array\",\"prefixItems\":[{\"const\":1},{\"const\":2}],\"items\":false}|[1,2]|[1,2,3]|[2]",
        "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"b\"]}|{\"b\":{\"x\":[]}}|{\"a\":1}|{\"b\":1,\"a\":1}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"}},\"additionalProperties\":true}|{\"a\":"
            + " null, \"b\": 1}|{\"a\":1}|{\"b\":1,\"b\":2}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"}},\"additionalProperties\":{\"type\":\"integer\"}}|{\"ab\":1}|{\"ab\":null}|{\"b\":1,\"a\":null}",
        "{\"type\":\"object\"}|{\"é\": [1, {\"\": false}]}|{\"a\":  1}|[]",
        "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}|12|null|1.5",
        "{\"$ref\":\"#/$defs/t\",\"$defs\":{\"t\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/t\"}}}}|[[],[[]]]|[1]|[[]",
        "{\"minimum\":3}|3|2|\"a\"",
        "{\"type\":\"number\",\"multipleOf\":0.1}|1.5|1.55|1e5",
        "true|[{\"a\":[true]}]|[1,]|{a:1}",
      })
  void shouldAcceptWhatIsValidAndNothingElse(
      String schema, String valid, String wrong, String alsoWrong) {
    Grammar grammar = grammar(schema);
    assertTrue(accepts(grammar, valid), valid);
    assertTrue(!accepts(grammar, wrong), wrong);
    assertTrue(!accepts(grammar, alsoWrong), alsoWrong);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"properties\":{\"a\":{\"pattern\":\"x\"}}}|schema.properties.a.pattern is not supported",
        "{\"items\":{\"not\":{}}}|schema.items.not is not supported",
        "{\"uniqueItems\":true}|schema.uniqueItems is not supported",
        "{\"type\":\"text\"}|schema.type must be one of array, boolean, integer, null, number,"
            + " object, string",
        "{\"allOf\":[{},{}]}|schema.allOf is not supported with more than one schema; merge them",
        "{\"anyOf\":[{}],\"type\":\"string\"}|schema.type is not supported beside anyOf",
        "{\"oneOf\":[{\"type\":\"string\"},{\"minLength\":3}]}|schema.oneOf is not supported where"
            + " a value might match two of it, here [0] and [1]; use anyOf, or give each a type or"
            + " a required property with its own const",
        "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}|schema.oneOf is not supported"
            + " where a value might match two of it, here [0] and [1]; use anyOf, or give each a"
            + " type or a required property with its own const",
        "{\"multipleOf\":3}|schema.multipleOf is only supported as 1, 0.1, 0.01 and so on",
        "{\"minLength\":3,\"maxLength\":2}|schema allows no value of at most 16384 bytes",
        "{\"type\":\"integer\",\"minimum\":0.2,\"maximum\":0.8}|schema allows no value of at most"
            + " 16384 bytes",
        "{\"type\":\"array\",\"minItems\":100000}|schema allows no value of at most 16384 bytes",
        "{\"minLength\":-1}|schema.minLength must be a whole number of at least 0",
        "{\"$ref\":\"#/$defs/no\"}|$ref \"#/$defs/no\" points to nothing in schema",
        "{\"$ref\":\"http://x\"}|schema.$ref must point into the same schema, as \"#/$defs/name\""
            + " does",
        "{\"$ref\":\"#\"}|schema.$ref refers to itself",
        "{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}|schema.properties.a.$ref"
            + " allows no value of at most 16384 bytes",
        "{\"enum\":[\"a\"],\"type\":\"integer\"}|schema allows none of its enum or const",
        "{\"required\":[\"a\"],\"additionalProperties\":false}|schema.required names \"a\", which"
            + " additionalProperties forbids",
        "[]|schema must be an object or true",
      })
  void shouldSayWhatOfASchemaCannotBeServed(String schema, String message) {
    SchemaException refused = assertThrows(SchemaException.class, () -> grammar(schema));
    assertEquals(message, refused.getMessage());
  }

  @Test
  void shouldBoundSchemas() {
    StringBuilder nested = new StringBuilder("{}");
    for (int i = 0; i < 100; i++) {
      nested.insert(0, "{\"items\":").append('}');
    }
    assertEquals(
        "schema is nested deeper than 64 schemas",
        assertThrows(SchemaException.class, () -> grammar(nested.toString())).getMessage());
    String many = "{\"anyOf\":[" + "{},".repeat(2100) + "{}]}";
    assertEquals(
        "schema has more than 2000 schemas in it",
        assertThrows(SchemaException.class, () -> grammar(many)).getMessage());
    // Each definition twice the next: 2^40 ways to begin.
    StringBuilder defs = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      String next = "{\"$ref\":\"#/$defs/d" + (i + 1) + "\"}";
      defs.append("\"d%d\":{\"anyOf\":[%s,%s]},".formatted(i, next, next));
    }
    String wide = "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + defs + "\"d30\":{}}}";
    assertThrows(SchemaException.class, () -> grammar(wide));
  }

  @Test
  void shouldGoNoDeeperThanTheBound() {
    Grammar any = Grammar.ofAnyObject();
    assertTrue(accepts(any, "{\"a\":" + "[".repeat(63) + "]".repeat(63) + "}"));
    assertTrue(accepts(any, "{\"a\":" + "[".repeat(63) + "0" + "]".repeat(63) + "}"));
    assertTrue(!accepts(any, "{\"a\":" + "[".repeat(66) + "]".repeat(66) + "}"));
  }

  /** All short numerals against the definition, for drawn ranges. */
  @Test
  void numbersAreThoseInTheRange() {
    Random random = new Random(SEED);
    Pattern numeral = Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?");
    for (int round = 0; round < 60; round++) {
      boolean integer = random.nextBoolean();
      int scale = integer ? 0 : random.nextInt(3);
      BigDecimal a = BigDecimal.valueOf(random.nextInt(-1500, 1500), scale);
      BigDecimal b = a.add(BigDecimal.valueOf(random.nextInt(1, 900), scale));
      boolean openLow = random.nextBoolean();
      boolean openHigh = random.nextBoolean();
      if (integer && b.subtract(a).compareTo(BigDecimal.valueOf(3)) < 0) {
        continue; // maybe nothing between
      }
      String schema =
          "{\"type\":\"%s\",\"%s\":%s,\"%s\":%s}"
              .formatted(
                  integer ? "integer" : "number",
                  openLow ? "exclusiveMinimum" : "minimum",
                  a,
                  openHigh ? "exclusiveMaximum" : "maximum",
                  b);
      Grammar grammar = grammar(schema);
      for (int i = 0; i < 4000; i++) {
        String text = numeral(random);
        boolean valid = numeral.matcher(text).matches() && (!integer || text.indexOf('.') < 0);
        if (valid) {
          BigDecimal number = new BigDecimal(text);
          int low = number.compareTo(a);
          int high = number.compareTo(b);
          valid = (openLow ? low > 0 : low >= 0) && (openHigh ? high < 0 : high <= 0);
          if (number.signum() == 0 && text.startsWith("-")) {
            valid = false; // zero has no sign here
          }
        }
        assertEquals(valid, accepts(grammar, text), schema + " " + text);
      }
    }
  }

  private static String numeral(Random random) {
    StringBuilder text = new StringBuilder(random.nextInt(3) == 0 ? "-" : "");
    for (int i = 1 + random.nextInt(5); i > 0; i--) {
      text.append("0123456789.0123456789".charAt(random.nextInt(21)));
    }
    return text.toString();
  }

  @Test
  void shouldTakeOnlyWellFormedUtf8() {
    Grammar grammar = grammar("{\"type\":\"string\"}");
    byte[][] wrong = {
      {'"', (byte) 0x80}, {'"', (byte) 0xC0}, {'"', (byte) 0xE0, (byte) 0x80},
      {'"', (byte) 0xED, (byte) 0xA0}, {'"', (byte) 0xF4, (byte) 0x90}, {'"', (byte) 0xC3, '"'},
      {'"', '\n'}
    };
    for (byte[] bytes : wrong) {
      assertEquals(null, grammar.start().next(bytes));
    }
  }
}
