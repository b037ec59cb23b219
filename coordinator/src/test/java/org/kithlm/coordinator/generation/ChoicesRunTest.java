package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.Tokenizer;

/** Several texts of one request: made together, they are what each would be alone. */
class ChoicesRunTest {
  private static final int CONTEXT_LENGTH = 60;
  private static final Tokenizer TOKENIZER = ByteTokenizer.create();
  private static final String SCHEMA =
      "{\"type\":\"array\",\"items\":{\"enum\":[1,true,\"x\"]},\"minItems\":2,\"maxItems\":6}";

  /** No text ends before its limit. */
  private static final SamplingParameters ENDLESS =
      new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(ByteTokenizer.END, -100f), 5);

  /** Ends texts after 30 tokens or so, each elsewhere. */
  private static float[] model(int[] tokens) {
    float[] logits = FakeRootRank.mixed(tokens);
    logits[ByteTokenizer.END] += 4;
    return logits;
  }

  private static FakeRootRank rank() {
    return with(ChoicesRunTest::model);
  }

  private static FakeRootRank with(Function<int[], float[]> model) {
    FakeRootRank rank = new FakeRootRank();
    rank.model = model;
    return rank;
  }

  private static GenerationRequest request(Random random) throws Exception {
    int[] prompt = random.ints(1 + random.nextInt(12), 1, ByteTokenizer.VOCABULARY).toArray();
    SamplingParameters sampling =
        new SamplingParameters(
            random.nextInt(4) == 0 ? 0 : 1,
            random.nextInt(2) * 40,
            1,
            0,
            1,
            0,
            random.nextFloat(),
            Map.of(),
            random.nextLong());
    List<String> stops = random.nextBoolean() ? List.of("a", "bc") : List.of();
    GenerationRequest request =
        new GenerationRequest(prompt, 1 + random.nextInt(40), sampling, stops, 2);
    return random.nextInt(4) == 0
        ? request.withGrammar(Grammar.ofSchema(new ObjectMapper().readTree(SCHEMA), "schema"))
        : request;
  }

  private static RecordingListener run(FakeRootRank rank, GenerationRequest request) {
    RecordingListener listener = new RecordingListener();
    GenerationJob job = new GenerationJob(request, listener, cancelled -> {});
    new GenerationRun(new PrefixCachingRank(rank), TOKENIZER, CONTEXT_LENGTH, job).run();
    return listener;
  }

  /** What the texts are when each is asked for alone, with its seed. */
  private static List<RecordingListener.Text> oneAfterAnother(
      GenerationRequest request, int count) {
    List<RecordingListener.Text> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      SamplingParameters sampling = request.sampling().withSeed(request.sampling().seed() + i);
      GenerationRequest alone =
          new GenerationRequest(
              request.prompt(),
              request.maxTokens(),
              sampling,
              request.stops(),
              request.logprobs(),
              request.topLogprobs(),
              request.grammar(),
              Choices.ONE,
              null,
              Priority.INTERACTIVE);
      texts.add(run(rank(), alone).choice(0));
    }
    return texts;
  }

  private static void assertSame(
      RecordingListener.Text expected, RecordingListener.Text actual, String what) {
    assertEquals(expected.tokens, actual.tokens, what); // ids, texts, log probabilities
    assertEquals(expected.text.toString(), actual.text.toString(), what);
    assertEquals(expected.reason, actual.reason, what);
  }

  @Test
  void shouldMakeTheTextsThatEachWouldBeAlone() throws Exception {
    for (long seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      GenerationRequest request = request(random);
      int count = 2 + random.nextInt(7); // more than a step of this rank takes

      RecordingListener together = run(rank(), request.withChoices(new Choices(count, false)));

      List<RecordingListener.Text> alone = oneAfterAnother(request, count);
      int tokens = 0;
      for (int i = 0; i < count; i++) {
        assertSame(alone.get(i), together.choice(i), "seed=" + seed + " text=" + i);
        tokens += alone.get(i).tokens.size();
      }
      assertEquals(tokens, together.usage().completionTokens(), "seed=" + seed);
      assertEquals(request.prompt().length, together.usage().promptTokens());
    }
  }

  @Test
  void shouldRunThePromptOnceAndATokenOfEachTextInAStep() {
    FakeRootRank rank =
        with(
            tokens -> {
              float[] logits = new float[ByteTokenizer.VOCABULARY];
              // The text that began with byte n ends after n tokens.
              boolean over = tokens.length > 5 && tokens.length == 5 + tokens[5] - 'a';
              logits[over ? ByteTokenizer.END : 'x'] = 50;
              if (tokens.length == 5) {
                logits['a' + 1] = logits['a' + 3] = logits['a' + 2] = 50;
              }
              return logits;
            });
    SamplingParameters sampling = new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), 3);
    RecordingListener listener =
        run(
            rank,
            new GenerationRequest(ByteTokenizer.tokens("abcde"), 9, sampling, List.of(), 0)
                .withChoices(new Choices(3, false)));

    int[] lengths = new int[3];
    for (int i = 0; i < 3; i++) {
      lengths[i] = listener.choice(i).tokens.size();
    }
    List<String> expected = new ArrayList<>(List.of("0+4", "4+1"));
    for (int at = 0; at < 3; at++) {
      List<String> runs = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        boolean alone = i == 0 && lengths[1] <= at && lengths[2] <= at;
        if (at < lengths[i]) {
          runs.add((alone ? "" : i + "/5:") + (5 + at) + "+1");
        }
      }
      if (!runs.isEmpty()) {
        expected.add(String.join(" ", runs));
      }
    }
    assertEquals(expected, rank.steps);
    assertTrue(lengths[0] != lengths[1] || lengths[1] != lengths[2], "choose another seed");
  }

  @Test
  void shouldGiveTheOthersUpWhenTheFirstHasEnded() throws Exception {
    for (long seed = 0; seed < 100; seed++) {
      Random random = new Random(seed);
      GenerationRequest any = request(random);
      int count = 2 + random.nextInt(7);
      GenerationRequest request =
          new GenerationRequest(any.prompt(), any.maxTokens(), any.sampling(), List.of(), 0);
      List<RecordingListener.Text> alone = oneAfterAnother(request, count);
      int winner = 0;
      for (int i = 1; i < count; i++) {
        winner = rounds(alone.get(i)) < rounds(alone.get(winner)) ? i : winner;
      }

      RecordingListener listener = run(rank(), request.withChoices(new Choices(count, true)));

      String what = "seed=" + seed;
      assertEquals(winner, listener.ended.getFirst(), what);
      assertSame(alone.get(winner), listener.choice(winner), what);
      int tokens = 0;
      for (int i = 0; i < count; i++) {
        RecordingListener.Text text = listener.choice(i);
        tokens += text.tokens.size();
        assertEquals(alone.get(i).tokens.subList(0, text.tokens.size()), text.tokens, what);
        assertEquals(i == winner, text.reason != FinishReason.ABANDONED, what);
      }
      assertEquals(tokens, listener.usage().completionTokens(), what);
    }
  }

  /** How many tokens were chosen: the one that ends a turn is not told. */
  private static int rounds(RecordingListener.Text text) {
    return text.tokens.size() + (text.reason == FinishReason.STOP ? 1 : 0);
  }

  @Test
  void shouldGoOnWithAllTextsWhenRanksAreLost() throws Exception {
    BlockingQueue<String> losses = new LinkedBlockingQueue<>();
    for (long seed = 0; seed < 60; seed++) {
      Random random = new Random(seed);
      GenerationRequest request = request(random);
      int count = 2 + random.nextInt(7);
      RecordingListener expected = run(rank(), request.withChoices(new Choices(count, false)));
      RecordingListener listener = new RecordingListener();
      try (GenerationEngine engine = new GenerationEngine(TOKENIZER, CONTEXT_LENGTH)) {
        FakeRootRank first = breakingAfter(random.nextInt(12));
        activate(engine, first, losses);
        engine.submit(request.withChoices(new Choices(count, false)), listener);
        for (int i = 0; i < 3 && !listener.hasEnded(); i++) {
          String loss = losses.poll(100, TimeUnit.MILLISECONDS);
          if (loss != null) {
            activate(engine, breakingAfter(4 + random.nextInt(30)), losses);
          }
        }
        while (!listener.hasEnded()) {
          if (losses.poll(10, TimeUnit.MILLISECONDS) != null) {
            activate(engine, rank(), losses);
          }
        }
      }
      losses.clear();
      for (int i = 0; i < count; i++) {
        assertSame(expected.choice(i), listener.choice(i), "seed=" + seed + " text=" + i);
      }
    }
  }

  private static void activate(
      GenerationEngine engine, FakeRootRank rank, BlockingQueue<String> losses) {
    engine
        .activate(rank, List.of(), losses::add)
        .toCompletableFuture()
        .orTimeout(FakeRootRank.TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .join();
  }

  private static FakeRootRank breakingAfter(int steps) {
    FakeRootRank rank = rank();
    rank.broken =
        () -> rank.steps.size() > steps ? new IllegalStateException("rank 1 is lost") : null;
    return rank;
  }

  @Test
  void shouldEndAllTextsWhenCancelled() {
    FakeRootRank rank = rank();
    RecordingListener listener = new RecordingListener();
    GenerationRequest request =
        new GenerationRequest(ByteTokenizer.tokens("abc"), 40, ENDLESS, List.of(), 0)
            .withChoices(new Choices(3, false));
    GenerationJob job = new GenerationJob(request, listener, cancelled -> {});
    rank.broken =
        () -> {
          if (rank.steps.size() < 3) {
            return null;
          }
          job.cancel();
          return new IllegalStateException("step aborted");
        };

    new GenerationRun(new PrefixCachingRank(rank), TOKENIZER, CONTEXT_LENGTH, job).run();

    assertTrue(listener.end().cancelled());
    assertEquals(3, rank.steps.size());
    assertEquals(6, listener.usage().completionTokens());
  }

  /** The stem holds the prompt and the first text, as after a request for one. */
  @Test
  void shouldKeepTheFirstTextForTheNextTurn() {
    FakeRootRank rank = rank();
    PrefixCachingRank caching = new PrefixCachingRank(rank);
    int[] prompt = ByteTokenizer.tokens("a prompt");
    RecordingListener first = new RecordingListener();
    GenerationRequest request =
        new GenerationRequest(prompt, 6, ENDLESS, List.of(), 0).withChoices(new Choices(4, false));
    new GenerationRun(
            caching, TOKENIZER, CONTEXT_LENGTH, new GenerationJob(request, first, job -> {}))
        .run();
    int[] turn = new int[prompt.length + first.ids().size() + 1];
    System.arraycopy(prompt, 0, turn, 0, prompt.length);
    for (int i = 0; i < first.ids().size(); i++) {
      turn[prompt.length + i] = first.ids().get(i);
    }
    turn[turn.length - 1] = 'z';

    assertEquals(prompt.length + first.ids().size() - 1, caching.cachedCount(turn));
  }

  /** Whatever the model makes of it, each text thinks for no longer than it may. */
  @Test
  void shouldEndTheThinkingOfEachTextInTime() {
    Tokenizer thinker = ByteTokenizer.thinking();
    int[] prompt = ByteTokenizer.tokens("why?");
    SamplingParameters sampling = new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), 8);
    for (int most = 0; most < 5; most++) {
      FakeRootRank rank =
          with(
              tokens -> {
                float[] logits =
                    Arrays.copyOf(FakeRootRank.mixed(tokens), ByteTokenizer.VOCABULARY + 2);
                logits[ByteTokenizer.END] = -50;
                logits[tokens.length == prompt.length ? ByteTokenizer.THINK : 'x'] = 50;
                return logits;
              });
      RecordingListener listener = new RecordingListener();
      GenerationRequest request =
          new GenerationRequest(prompt, 9, sampling, List.of(), 0)
              .withChoices(new Choices(3, false))
              .withThinkingTokens(most);
      GenerationJob job = new GenerationJob(request, listener, cancelled -> {});
      new GenerationRun(new PrefixCachingRank(rank), thinker, CONTEXT_LENGTH, job).run();

      List<Integer> expected = new ArrayList<>(List.of(ByteTokenizer.THINK));
      expected.addAll(Collections.nCopies(most, (int) 'x'));
      expected.add(ByteTokenizer.END_THINK);
      expected.addAll(Collections.nCopies(9 - expected.size(), (int) 'x'));
      for (int i = 0; i < 3; i++) {
        assertEquals(expected, listener.choice(i).ids());
      }
      assertTrue(listener.text().startsWith("<think>"), listener.text());
    }
  }

  @Test
  void shouldTellWhatThereIsRoomFor() {
    // 8 blocks of 128: one of the prompt's is full, and each text has a copy of the next.
    ChoiceRoom room = new ChoiceRoom(1024, 200);
    assertEquals(824, room.tokensOfEach(1));
    assertEquals(3 * 128 + 128 - 200, room.tokensOfEach(2));
    assertEquals(128 + 128 - 200, room.tokensOfEach(7));
    assertEquals(0, room.tokensOfEach(8));
    room.require(7, 56);
    room.require(1, Integer.MAX_VALUE);
    assertRefused(
        "n=7 texts of up to 57 tokens after a prompt of 200 need room for the keys and values of"
            + " 1920 tokens, and there is room for 1024; ask for n=3 or for max_tokens=56",
        room,
        7,
        57);
    assertRefused(
        "n=8 texts of up to 824 tokens after a prompt of 200 need room for the keys and values of"
            + " 7296 tokens, and there is room for 1024; ask for n=1",
        room,
        8,
        Integer.MAX_VALUE);
  }

  private static void assertRefused(String message, ChoiceRoom room, int choices, int maxTokens) {
    GenerationRefusedException refusal =
        assertThrows(GenerationRefusedException.class, () -> room.require(choices, maxTokens));
    assertEquals(message, refusal.getMessage());
    assertEquals(GenerationRefusedException.Reason.TOO_MANY_CHOICES, refusal.reason());
  }

  @Test
  void shouldFindTheLongestPromptThatLeavesRoom() {
    Random random = new Random(7);
    for (int i = 0; i < 200; i++) {
      int context = 100 + random.nextInt(2000);
      int choices = 1 + random.nextInt(8);
      int tokens = 1 + random.nextInt(300);
      int longest = ChoiceRoom.longestPrompt(context, choices, tokens);
      String what = "context=" + context + " choices=" + choices + " tokens=" + tokens;
      for (int prompt = longest + 1; prompt < context; prompt++) {
        assertTrue(new ChoiceRoom(context, prompt).tokensOfEach(choices) < tokens, what);
      }
      if (longest > 0) {
        assertTrue(new ChoiceRoom(context, longest).tokensOfEach(choices) >= tokens, what);
      }
    }
  }
}
