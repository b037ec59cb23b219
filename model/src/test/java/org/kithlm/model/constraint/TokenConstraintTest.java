package org.kithlm.model.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.kithlm.model.sampling.Sampler;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.SortedTokens;
import org.kithlm.model.tokenizer.Tokenizer;

class TokenConstraintTest {
  private static final int[] NONE = {};

  private final Tokenizer tokenizer = Vocabularies.small();

  private static Grammar grammar(String schema) throws Exception {
    JsonNode json = new ObjectMapper().readTree(schema);
    return Grammar.ofSchema(json, "schema");
  }

  private static SamplingParameters sampling(float temperature, Map<Integer, Float> bias) {
    return new SamplingParameters(temperature, 0, 1, 0, 1, 0, 0, bias, 9);
  }

  private int token(String text) {
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      boolean same = Arrays.equals(text.getBytes(StandardCharsets.UTF_8), tokenizer.tokenBytes(id));
      if (same && !tokenizer.isControl(id)) {
        return id;
      }
    }
    throw new AssertionError("no token " + text);
  }

  /** What a byte-by-byte look at each token says. */
  @Test
  void shouldBanExactlyTheTokensThatAreWrong() throws Exception {
    Grammar grammar =
        grammar("{\"properties\":{\"name\":{\"type\":\"string\"},\"n\":{\"maximum\":12}}}");
    for (String text : new String[] {"", "{", "{\"", "{\"na", "{\"name\": \"", "{\"n\":1"}) {
      TokenConstraint constraint = new TokenConstraint(grammar, tokenizer);
      text.chars().forEach(c -> constraint.accept(token(Character.toString(c))));
      constraint.limit(1000);
      float[] logits = new float[tokenizer.vocabularySize()];
      constraint.ban(logits, Vocabularies.END);
      State state = grammar.start().next(text.getBytes(StandardCharsets.UTF_8));
      for (int id = 0; id < logits.length; id++) {
        boolean allowed =
            !tokenizer.isControl(id)
                && state != null
                && state.next(tokenizer.tokenBytes(id)) != null;
        assertEquals(allowed, logits[id] == 0, text + " token " + id);
        assertEquals(allowed, constraint.allows(id), text + " token " + id);
      }
    }
  }

  @Test
  void shouldTakeTheLikeliestTokenThatIsAllowedAndReportItsOwnLogprob() throws Exception {
    TokenConstraint constraint = new TokenConstraint(grammar("{\"enum\":[true,null]}"), tokenizer);
    float[] logits = new float[tokenizer.vocabularySize()];
    Arrays.fill(logits, -5);
    logits[token("{\"")] = 9;
    logits[token("null")] = 3;
    logits[token("true")] = 4;
    Sampler free = new Sampler(sampling(0, Map.of()));
    Sampler.Choice unconstrained = free.choose(logits, NONE, 0, 0, 3);

    constraint.limit(9);
    Sampler.Choice choice =
        new Sampler(sampling(0, Map.of())).choose(logits, NONE, 0, 0, 3, constraint);
    Sampler.Choice biased =
        new Sampler(sampling(0, Map.of(token("null"), 2f)))
            .choose(logits, NONE, 0, 0, 3, constraint);

    assertEquals(token("true"), choice.token());
    assertEquals(unconstrained.top(), choice.top());
    assertEquals(choice.top().get(1).logprob(), choice.logprob());
    assertEquals(token("null"), biased.token());
  }

  /** Of the allowed tokens each is drawn as often as its weight says. */
  @Test
  void shouldDrawTheAllowedTokensByTheirWeights() throws Exception {
    TokenConstraint constraint = new TokenConstraint(grammar("{\"enum\":[true,null]}"), tokenizer);
    constraint.limit(9);
    float[] logits = new float[tokenizer.vocabularySize()];
    Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    logits[token("[]")] = 1;
    logits[token("null")] = (float) Math.log(3);
    logits[token("true")] = 0;
    Sampler sampler = new Sampler(sampling(1, Map.of()));
    int draws = 4000;
    int nulls = 0;
    for (int i = 0; i < draws; i++) {
      nulls += sampler.choose(logits, NONE, 0, 0, 0, constraint).token() == token("null") ? 1 : 0;
    }
    assertEquals(0.75, nulls / (double) draws, 0.03); // 4 standard deviations
  }

  @Test
  void shouldBeWholeAtEveryLimitThatTheShortestFormFits() throws Exception {
    Grammar grammar =
        grammar(
            "{\"properties\":{\"name\":{\"type\":\"string\"},\"n\":{\"items\":{}},\"ab\":{}},"
                + "\"required\":[\"name\",\"ab\"]}");
    SortedTokens tokens = tokenizer.sortedTokens();
    byte[] shortest = grammar.start().shortestEnd();
    int needed = 0;
    for (int at = 0; at < shortest.length; needed++) {
      at += tokens.lengthBytes(tokens.longestAt(shortest, at));
    }
    assertTrue(needed < shortest.length, "no piece was used");
    for (int limit = 1; limit < 60; limit++) {
      for (long seed = 0; seed < 20; seed++) {
        SamplingParameters drawn = new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), seed);
        Answer answer = Answer.draw(grammar, tokenizer, drawn, limit);
        assertTrue(answer.tokens() <= limit);
        if (limit >= needed) {
          assertTrue(answer.complete(), limit + " " + answer.text());
        }
      }
    }
    assertFalse(Answer.draw(grammar, tokenizer, sampling(1, Map.of()), needed / 2).complete());
  }

  @Test
  void shouldEndOnlyWhatIsWhole() throws Exception {
    TokenConstraint constraint = new TokenConstraint(grammar("{\"type\":\"integer\"}"), tokenizer);
    constraint.limit(9);
    assertFalse(constraint.allows(Vocabularies.END));
    constraint.accept(token("12"));
    assertTrue(constraint.allows(Vocabularies.END));
    assertTrue(constraint.isComplete());
    assertFalse(constraint.isFinal());
    assertThrows(IllegalArgumentException.class, () -> constraint.accept(token("{}")));
  }
}
