package org.kithlm.model.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Real vocabularies against what llama.cpp makes of the same texts. */
class ReferenceTokensTest {
  static final List<String> MODELS = ModelVocabularies.NAMES;

  @ParameterizedTest
  @FieldSource("MODELS")
  void shouldEncodeHostileTextsAsReference(String model) throws IOException {
    Tokenizer tokenizer = Tokenizer.from(ModelVocabularies.metadata(model));
    for (JsonNode reference : reference(model).get("cases")) {
      String text = reference.get("text").asText();
      int[] plain = tokenizer.encode(text, false, false);
      assertArrayEquals(ids(reference.get("plain")), plain, "plain " + text);
      assertArrayEquals(
          ids(reference.get("special")), tokenizer.encode(text, true, false), "special " + text);
      assertArrayEquals(
          ids(reference.get("with_bos")), tokenizer.encodePrompt(text), "with_bos " + text);
      ByteArrayOutputStream pieces = new ByteArrayOutputStream();
      for (int id : plain) {
        pieces.writeBytes(tokenizer.tokenBytes(id));
      }
      assertEquals(
          reference.get("pieces_hex").asText(),
          HexFormat.of().formatHex(pieces.toByteArray()),
          "pieces " + text);
    }
  }

  @ParameterizedTest
  @FieldSource("MODELS")
  void shouldEncodePromptsAsReference(String model) throws IOException {
    Tokenizer tokenizer = Tokenizer.from(ModelVocabularies.metadata(model));
    for (JsonNode reference : reference(model).get("prompts")) {
      assertArrayEquals(
          ids(reference.get("prompt_ids")),
          tokenizer.encodePrompt(reference.get("prompt").asText()),
          reference.get("name").asText());
    }
  }

  @ParameterizedTest
  @FieldSource("MODELS")
  void shouldKnowTheSameSpecialTokensAsReference(String model) throws IOException {
    Tokenizer tokenizer = Tokenizer.from(ModelVocabularies.metadata(model));
    JsonNode reference = reference(model);
    assertEquals(reference.get("n_vocab").asInt(), tokenizer.vocabularySize());
    assertEquals(reference.get("bos").asInt(), tokenizer.bosId());
    assertEquals(reference.get("eos").asInt(), tokenizer.eosId());
    assertArrayEquals(
        ids(reference.get("eog")),
        IntStream.range(0, tokenizer.vocabularySize())
            .filter(tokenizer::isEndOfGeneration)
            .toArray());
  }

  private static JsonNode reference(String model) throws IOException {
    String name = "/tokenizer/" + model + ".json";
    try (InputStream in =
        Objects.requireNonNull(ReferenceTokensTest.class.getResourceAsStream(name), name)) {
      return new ObjectMapper().readTree(in);
    }
  }

  private static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
  }
}
