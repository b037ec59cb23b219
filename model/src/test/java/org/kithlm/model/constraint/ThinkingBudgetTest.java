package org.kithlm.model.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.model.gguf.GgufMetadata;
import org.kithlm.model.sampling.Sampler;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.sampling.TokenFilter;
import org.kithlm.model.tokenizer.Tokenizer;

/** A vocabulary of bytes and the two tokens of thinking. */
class ThinkingBudgetTest {
  private static final int BEGIN = 256;
  private static final int END = 257;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int BYTE = 6;

  private static Tokenizer tokenizer(int typeOfThinkTokens, String... thinkTokens) {
    List<String> tokens = new ArrayList<>();
    for (int value = 0; value < 256; value++) {
      tokens.add(String.format("<0x%02X>", value));
    }
    tokens.addAll(List.of(thinkTokens));
    long[] types = new long[tokens.size()];
    Arrays.fill(types, BYTE);
    Arrays.fill(types, 256, types.length, typeOfThinkTokens);
    return Tokenizer.from(
        new GgufMetadata(
            Map.of(
                "tokenizer.ggml.model",
                "llama",
                "tokenizer.ggml.tokens",
                tokens,
                "tokenizer.ggml.token_type",
                types,
                "tokenizer.ggml.scores",
                new float[tokens.size()],
                "tokenizer.ggml.add_bos_token",
                false,
                "tokenizer.ggml.add_space_prefix",
                false)));
  }

  private static Tokenizer thinker() {
    return tokenizer(USER_DEFINED, "<think>", "</think>");
  }

  private static ThinkingBudget budget(Tokenizer tokenizer, int[] prompt, int maxTokens) {
    return Objects.requireNonNull(ThinkingBudget.of(tokenizer, prompt, maxTokens));
  }

  /** What is made of what a model would say; a forced token takes the place of what comes then. */
  private static String said(int[] prompt, int maxTokens, String modelSays) {
    Tokenizer tokenizer = thinker();
    ThinkingBudget budget = budget(tokenizer, prompt, maxTokens);
    Sampler sampler = new Sampler(SamplingParameters.greedy());
    StringBuilder said = new StringBuilder();
    for (int wanted : tokenizer.encode(modelSays, true, false)) {
      float[] logits = new float[258];
      logits[wanted] = 9;
      int token = sampler.choose(logits, prompt, 0, 0, 0, budget.filter(null)).token();
      budget.accept(token);
      said.append(tokenizer.decode(token));
    }
    return said.toString();
  }

  @Test
  void shouldEndTheThinkingAfterSoManyTokens() {
    int[] none = {};
    assertEquals("<think>abc</think>e", said(none, 3, "<think>abcde"));
    assertEquals("<think>ab</think>defghi", said(none, 3, "<think>ab</think>defghi"));
    assertEquals("<think></think>bc", said(none, 0, "<think>abc"));
    assertEquals("abcdef", said(none, 0, "abcdef"));
    // What it thinks later counts too.
    assertEquals(
        "<think>ab</think>c<think>d</think>fg", said(none, 3, "<think>ab</think>c<think>defg"));
  }

  @Test
  void shouldCountFromAThinkingThatThePromptBegins() {
    int[] begun = {'x', BEGIN, '\n'};
    assertEquals("a</think>cd", said(begun, 1, "abcd"));
    assertEquals("</think>bcd", said(begun, 0, "abcd"));
    // A prompt that only speaks of thinking.
    assertEquals("abcd", said(new int[] {'x', BEGIN, 'y'}, 0, "abcd"));
    assertEquals("abcd", said(new int[] {BEGIN, 'y', END}, 0, "abcd"));
  }

  @Test
  void shouldEndTheThinkingWhateverTheBias() {
    ThinkingBudget budget = budget(thinker(), new int[] {BEGIN}, 0);
    SamplingParameters banned =
        new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(END, Float.NEGATIVE_INFINITY), 1);
    float[] logits = new float[258];
    assertEquals(
        END, new Sampler(banned).choose(logits, new int[0], 0, 0, 0, budget.filter(null)).token());
  }

  @ParameterizedTest
  @ValueSource(ints = {CONTROL, USER_DEFINED})
  void shouldKnowBothKindsOfTokens(int type) {
    Tokenizer tokenizer = tokenizer(type, "<think>", "</think>");
    assertNotNull(ThinkingBudget.of(tokenizer, new int[] {'x'}, 5));
  }

  @Test
  void shouldHaveNothingToDoForModelsThatDoNotThink() {
    int[] prompt = {'x'};
    assertNull(ThinkingBudget.of(tokenizer(USER_DEFINED), prompt, 5));
    assertNull(ThinkingBudget.of(tokenizer(USER_DEFINED, "<think>"), prompt, 5));
  }

  /** The answer's form comes first: JSON has no place for thoughts. */
  @Test
  void shouldLeaveAnswersOfAFormAlone() throws Exception {
    Tokenizer tokenizer = thinker();
    ThinkingBudget budget = budget(tokenizer, new int[] {BEGIN}, 0);
    TokenConstraint json =
        new TokenConstraint(
            Grammar.ofSchema(new ObjectMapper().readTree("{\"type\":\"boolean\"}"), "schema"),
            tokenizer);
    assertSame(json, budget.filter(json));

    TokenConstraint text =
        new TokenConstraint(
            Grammar.ofTextOrToolCalls(List.of(new Tool("f", null, "tools[0]", false)), true),
            tokenizer);
    @Nullable TokenFilter end = budget.filter(text);
    assertEquals(true, Objects.requireNonNull(end).allows(END));
    assertEquals(false, end.allows('x'));
  }
}
