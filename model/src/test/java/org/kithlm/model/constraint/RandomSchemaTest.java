package org.kithlm.model.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kithlm.model.TestModels;
import org.kithlm.model.gguf.GgufFile;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.Tokenizer;

/** Drawn schemas and drawn logits: whatever comes out is valid, by a validator of others. */
class RandomSchemaTest {
  private static final long SEED = 20261129;
  private static final int SCHEMAS = 100;
  private static final ObjectMapper MAPPER =
      new ObjectMapper()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  private static SamplingParameters sampling(long seed) {
    return new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), seed);
  }

  /** What is wrong with an answer, empty if nothing is. */
  private static String fault(JsonNode schema, byte[] answer) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(answer));
      return String.join(
          "; ",
          JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
              .getSchema(schema)
              .validate(MAPPER.readTree(answer))
              .stream()
              .map(Object::toString)
              .toList());
    } catch (CharacterCodingException | JsonProcessingException e) {
      return e.toString();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void check(Tokenizer tokenizer, int limit) {
    RandomSchemas schemas = new RandomSchemas(SEED);
    int whole = 0;
    for (int round = 0; round < SCHEMAS; round++) {
      JsonNode schema = schemas.next();
      String context = "seed=" + SEED + " round=" + round + " " + schema;
      Grammar grammar = Grammar.ofSchema(schema, "schema");
      Answer answer = Answer.draw(grammar, tokenizer, sampling(SEED + round), limit);
      // A shortest form longer than the limit is cut.
      if (answer.complete() || grammar.start().shortestEnd().length <= limit) {
        whole++;
        assertTrue(answer.complete(), () -> context + ": cut: " + answer.text());
        assertEquals("", fault(schema, answer.bytes()), () -> context + ": " + answer.text());
      }
    }
    assertTrue(whole > SCHEMAS * 9 / 10, "only " + whole + " were whole");
  }

  @Test
  void everyAnswerIsValid() {
    check(Vocabularies.small(), 150);
  }

  @Test
  @Tag("model")
  void everyAnswerInTheTokensOfARealModelIsValid() throws IOException {
    check(Tokenizer.from(GgufFile.read(TestModels.gguf("smollm2")).metadata()), 60);
  }

  /** So that the tests above can fail. */
  @Test
  void withoutAConstraintHardlyAnyAnswerIsValid() {
    RandomSchemas schemas = new RandomSchemas(SEED);
    Tokenizer tokenizer = Vocabularies.small();
    int valid = 0;
    for (int round = 0; round < SCHEMAS; round++) {
      JsonNode schema = schemas.next();
      byte[] answer = Answer.draw(null, tokenizer, sampling(SEED + round), 150).bytes();
      valid += fault(schema, answer).isEmpty() ? 1 : 0;
    }
    assertTrue(valid <= 1, valid + " were valid");
  }

  /** What is still missing of a text is known at each of its bytes, and is valid too. */
  @Test
  void everyBeginningCanBeEnded() {
    RandomSchemas schemas = new RandomSchemas(SEED + 1);
    Tokenizer tokenizer = Vocabularies.small();
    for (int round = 0; round < SCHEMAS; round++) {
      JsonNode schema = schemas.next();
      Grammar grammar = Grammar.ofSchema(schema, "schema");
      byte[] text = Answer.draw(grammar, tokenizer, sampling(SEED + round), 60).bytes();
      State state = grammar.start();
      for (int length = 0; length <= text.length; length++) {
        byte[] end = state.shortestEnd();
        byte[] whole = Arrays.copyOf(text, length + end.length);
        System.arraycopy(end, 0, whole, length, end.length);
        String context =
            "round=" + round + " " + schema + ": " + new String(whole, StandardCharsets.UTF_8);
        State ended = state.next(end);
        assertNotNull(ended, context);
        assertTrue(ended.isComplete(), context);
        assertEquals("", fault(schema, whole), context);
        if (length < text.length) {
          state = state.next(Byte.toUnsignedInt(text[length]));
          assertNotNull(state, context);
        }
      }
    }
  }

  @Test
  void equalSeedsGiveEqualAnswers() {
    JsonNode schema = new RandomSchemas(3).next();
    Grammar grammar = Grammar.ofSchema(schema, "schema");
    Tokenizer tokenizer = Vocabularies.small();
    String first = Answer.draw(grammar, tokenizer, sampling(5), 80).text();
    assertEquals(first, Answer.draw(grammar, tokenizer, sampling(5), 80).text());
  }
}
