package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.constraint.Tool;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.Tokenizer;
import org.kithlm.node.control.Causes;

class GenerationRunTest {
  private static final int CONTEXT_LENGTH = 1000;
  private static final Tokenizer TOKENIZER = ByteTokenizer.create();

  private final FakeRootRank rank = new FakeRootRank();
  private final RecordingListener listener = new RecordingListener();

  private static GenerationRequest request(String prompt, int maxTokens, String... stops) {
    return new GenerationRequest(
        ByteTokenizer.tokens(prompt), maxTokens, SamplingParameters.greedy(), List.of(stops), 0);
  }

  private FinishReason run(GenerationRequest request, int contextLength) {
    GenerationJob job = new GenerationJob(request, listener, cancelled -> {});
    new GenerationRun(new PrefixCachingRank(rank), TOKENIZER, contextLength, job).run();
    return listener.reason();
  }

  private FinishReason run(GenerationRequest request) {
    return run(request, CONTEXT_LENGTH);
  }

  @Test
  void shouldPrefillInChunksAndThenStepByToken() {
    rank.answer(10, "ab");

    FinishReason end = run(request("0123456789", 99));

    assertEquals(List.of("0+4", "4+4", "8+2", "10+1", "11+1"), rank.steps);
    assertEquals("ab", listener.text());
    assertEquals(FinishReason.STOP, end);
  }

  @Test
  void shouldNotCountTheTokenThatEndsTheAnswer() {
    rank.answer(3, "Hello");

    run(request("abc", 99));

    assertEquals(3, listener.usage().promptTokens());
    assertEquals(5, listener.usage().completionTokens());
    assertEquals(5, listener.tokens.size());
  }

  @Test
  void shouldEndAtAStopStringThatSpansTokens() {
    rank.answer(1, "one END two");

    FinishReason end = run(request("x", 99, "END"));

    assertEquals("one ", listener.text());
    assertEquals(FinishReason.STOP, end);
    assertEquals(7, listener.usage().completionTokens());
  }

  @Test
  void shouldReleaseHeldTextAtTheTokenLimit() {
    rank.answer(1, "abENDE");

    FinishReason end = run(request("x", 4, "END"));

    assertEquals("abEN", listener.text());
    assertEquals("ab", textWithoutTail());
    assertEquals(FinishReason.LENGTH, end);
    assertEquals(4, listener.usage().completionTokens());
  }

  private String textWithoutTail() {
    return String.join("", listener.tokens.stream().map(GenerationListener.Token::text).toList());
  }

  @Test
  void shouldEndWhereTheContextEnds() {
    rank.answer(5, "Hello");

    FinishReason end = run(request("01234", 99), 8);

    assertEquals("Hel", listener.text());
    assertEquals(FinishReason.LENGTH, end);
    assertEquals("6+1", rank.steps.getLast());
  }

  @Test
  void shouldFillALongContextToItsLastToken() {
    rank.answer(1, "x".repeat(299));

    FinishReason end = run(request("p", 999), 300);

    assertEquals(299, listener.usage().completionTokens());
    assertEquals(FinishReason.LENGTH, end);
  }

  @Test
  void shouldJoinTheBytesOfACharacter() {
    rank.answer(1, "é"); // two tokens

    run(request("x", 2));

    assertEquals(
        List.of("", "é"), listener.tokens.stream().map(GenerationListener.Token::text).toList());
  }

  @Test
  void shouldReportLogprobsOfTheRawDistribution() {
    rank.model =
        tokens -> {
          float[] logits = new float[ByteTokenizer.VOCABULARY];
          Arrays.fill(logits, Float.NEGATIVE_INFINITY);
          logits[65] = (float) Math.log(0.25);
          logits[66] = (float) Math.log(0.75);
          return logits;
        };
    SamplingParameters biased = new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(65, 50f), 0);

    run(new GenerationRequest(ByteTokenizer.tokens("x"), 1, biased, List.of(), 2));

    GenerationListener.Token token = listener.tokens.getFirst();
    assertEquals(65, token.id());
    assertEquals(Math.log(0.25), token.logprob(), 1e-6);
    assertEquals(
        List.of(66, 65), token.top().stream().map(GenerationListener.Candidate::id).toList());
    assertEquals(Math.log(0.75), token.top().getFirst().logprob(), 1e-6);
  }

  @Test
  void shouldPenaliseOnlyGeneratedTokens() {
    int[] tokens = ByteTokenizer.tokens("ab");
    rank.model =
        ids -> {
          float[] logits = new float[ByteTokenizer.VOCABULARY];
          logits[tokens[0]] = 2;
          logits[tokens[1]] = 1;
          return logits;
        };
    SamplingParameters presence = new SamplingParameters(0, 0, 1, 0, 1, 1.5f, 0, Map.of(), 0);

    run(new GenerationRequest(tokens, 2, presence, List.of(), 0));

    // The prompt holds both; "a" falls behind "b" once it was made.
    assertEquals("ab", listener.text());
  }

  private static GenerationRequest constrained(int maxTokens, String schema) throws Exception {
    return new GenerationRequest(
            ByteTokenizer.tokens("x"), maxTokens, SamplingParameters.greedy(), List.of(), 1)
        .withGrammar(Grammar.ofSchema(new ObjectMapper().readTree(schema), "schema"));
  }

  @Test
  void shouldKeepAnAnswerWithinItsGrammarAndEndItWhenItIsWhole() throws Exception {
    rank.answer(1, "{}[true]");

    FinishReason end =
        run(constrained(99, "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}"));

    // The model's first two tokens were refused: the likeliest of the others are all equal.
    assertTrue(listener.text().startsWith("["), listener.text());
    assertTrue(listener.text().endsWith("]"), listener.text());
    assertEquals(FinishReason.STOP, end);
    assertEquals(listener.text().length(), rank.steps.size()); // none after the bracket
    GenerationListener.Token first = listener.tokens.getFirst();
    assertEquals('{' + 1, first.top().getFirst().id());
    assertTrue(first.logprob() < first.top().getFirst().logprob());
  }

  @Test
  void shouldMakeAConstrainedAnswerWholeWithinItsLimit() throws Exception {
    String schema = "{\"type\":\"string\",\"minLength\":4}";
    rank.answer(1, "\"" + "x".repeat(90));

    assertEquals(FinishReason.STOP, run(constrained(12, schema)));
    assertEquals("\"xxxxxxxxxx\"", listener.text());
  }

  @Test
  void shouldMakeAConstrainedAnswerWholeWithinTheContext() throws Exception {
    rank.answer(1, "\"" + "x".repeat(90));

    assertEquals(FinishReason.STOP, run(constrained(99, "{\"type\":\"string\"}"), 8));
    assertEquals("\"xxxxx\"", listener.text());
  }

  @Test
  void shouldKnowNoEndOfTextBesideTools() {
    Grammar grammar =
        Grammar.ofTextOrToolCalls(List.of(new Tool("now", null, "tools[0]", false)), true);
    String call = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
    GenerationRequest limited =
        new GenerationRequest(
                ByteTokenizer.tokens("x"), 5, SamplingParameters.greedy(), List.of(), 0)
            .withGrammar(grammar);
    rank.answer(1, "Hello there");

    assertEquals(FinishReason.LENGTH, run(limited));
    assertEquals("Hello", listener.text());
    // The model goes astray in its call.
    rank.answer(1, "Hm<tool_call> I call now, and so on and on, for much longer than a call");
    RecordingListener called = new RecordingListener();
    GenerationRequest longer =
        new GenerationRequest(
                ByteTokenizer.tokens("x"), 99, SamplingParameters.greedy(), List.of(), 0)
            .withGrammar(grammar);
    GenerationJob job = new GenerationJob(longer, called, cancelled -> {});
    new GenerationRun(new PrefixCachingRank(rank), TOKENIZER, CONTEXT_LENGTH, job).run();
    assertTrue(called.text().startsWith("Hm" + call), called.text());
    assertEquals(FinishReason.STOP, called.reason());
  }

  @Test
  void shouldCutAConstrainedAnswerThatDoesNotFit() throws Exception {
    rank.answer(1, "\"" + "x".repeat(90));

    FinishReason end = run(constrained(4, "{\"type\":\"string\",\"minLength\":4}"));

    assertEquals(FinishReason.LENGTH, end);
    assertEquals("\"xxx", listener.text());
  }

  @Test
  void shouldNotBeginForACancelledRequest() {
    GenerationJob job = new GenerationJob(request("abc", 9), listener, cancelled -> {});
    job.cancel();

    new GenerationRun(new PrefixCachingRank(rank), TOKENIZER, CONTEXT_LENGTH, job).run();

    assertTrue(listener.end().cancelled());
    assertEquals(List.of(), rank.steps);
  }

  @Test
  void shouldTellRankFailuresFromOthers() {
    rank.broken = () -> new IllegalStateException("rank 1 is lost");
    RankFailedException failed =
        assertThrows(RankFailedException.class, () -> run(request("x", 1)));
    assertEquals("rank 1 is lost", Causes.message(failed.getCause()));

    rank.broken = () -> null;
    rank.model = tokens -> new float[] {Float.NaN};
    assertThrows(IllegalStateException.class, () -> run(request("x", 1)));
  }
}
