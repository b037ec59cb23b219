package org.kithlm.model.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.kithlm.model.sampling.Sampler;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.sampling.TokenFilter;
import org.kithlm.model.tokenizer.Tokenizer;

class ThinkingBudgetTest {
  private static final Tokenizer THINKER =
      Vocabularies.with(Vocabularies.USER_DEFINED, "<think>", "</think>");
  private static final int END = ids("</think>")[0];

  private static int[] ids(String text) {
    return THINKER.encode(text, true, false);
  }

  private static ThinkingBudget budget(String prompt, int maxTokens) {
    return Objects.requireNonNull(ThinkingBudget.of(THINKER, ids(prompt), maxTokens));
  }

  /** What is made of what a model would say; a forced token takes the place of what comes then. */
  private static String said(String prompt, int maxTokens, String modelSays) {
    ThinkingBudget budget = budget(prompt, maxTokens);
    Sampler sampler = new Sampler(SamplingParameters.greedy());
    StringBuilder said = new StringBuilder();
    for (int wanted : ids(modelSays)) {
      float[] logits = new float[THINKER.vocabularySize()];
      logits[wanted] = 9;
      int token = sampler.choose(logits, ids(prompt), 0, 0, 0, budget.filter(null)).token();
      budget.accept(token);
      said.append(THINKER.decode(token));
    }
    return said.toString();
  }

  @Test
  void shouldEndTheThinkingAfterSoManyTokens() {
    assertEquals("<think>abc</think>e", said("why?", 3, "<think>abcde"));
    assertEquals("<think>ab</think>defghi", said("why?", 3, "<think>ab</think>defghi"));
    assertEquals("<think></think>bc", said("why?", 0, "<think>abc"));
    assertEquals("abcdef", said("why?", 0, "abcdef"));
    // What it thinks later counts too.
    assertEquals(
        "<think>ab</think>c<think>d</think>fg", said("why?", 3, "<think>ab</think>c<think>defg"));
  }

  @Test
  void shouldCountFromAThinkingThatThePromptBegins() {
    String begun = "why?<think>\n";
    assertEquals("a</think>cd", said(begun, 1, "abcd"));
    assertEquals("</think>bcd", said(begun, 0, "abcd"));
    // A prompt that only speaks of thinking.
    assertEquals("abcd", said("why?<think>y", 0, "abcd"));
    assertEquals("abcd", said("<think>y</think>", 0, "abcd"));
  }

  @Test
  void shouldEndTheThinkingWhateverTheBias() {
    ThinkingBudget budget = budget("<think>", 0);
    SamplingParameters banned =
        new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(END, Float.NEGATIVE_INFINITY), 1);
    float[] logits = new float[THINKER.vocabularySize()];
    assertEquals(
        END, new Sampler(banned).choose(logits, new int[0], 0, 0, 0, budget.filter(null)).token());
  }

  @Test
  void shouldKnowTokensOfBothKinds() {
    for (long type : new long[] {Vocabularies.CONTROL, Vocabularies.USER_DEFINED}) {
      Tokenizer tokenizer = Vocabularies.with(type, "<think>", "</think>");
      assertNotNull(ThinkingBudget.of(tokenizer, new int[] {9}, 5));
    }
  }

  @Test
  void shouldHaveNothingToDoForModelsThatDoNotThink() {
    Tokenizer half = Vocabularies.with(Vocabularies.USER_DEFINED, "<think>");
    assertNull(ThinkingBudget.of(Vocabularies.small(), new int[] {9}, 5));
    assertNull(ThinkingBudget.of(half, new int[] {9}, 5));
  }

  /** The answer's form comes first: JSON has no place for thoughts. */
  @Test
  void shouldLeaveAnswersOfAFormAlone() throws Exception {
    ThinkingBudget budget = budget("<think>", 0);
    TokenConstraint json =
        new TokenConstraint(
            Grammar.ofSchema(new ObjectMapper().readTree("{\"type\":\"boolean\"}"), "schema"),
            THINKER);
    assertSame(json, budget.filter(json));

    TokenConstraint text =
        new TokenConstraint(
            Grammar.ofTextOrToolCalls(List.of(new Tool("f", null, "tools[0]", false)), true),
            THINKER);
    @Nullable TokenFilter end = budget.filter(text);
    assertEquals(true, Objects.requireNonNull(end).allows(END));
    assertEquals(false, end.allows(ids("x")[0]));
  }
}
