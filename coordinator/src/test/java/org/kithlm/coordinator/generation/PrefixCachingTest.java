package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.Tokenizer;

class PrefixCachingTest {
  private static final int CONTEXT_LENGTH = 60;
  private static final Tokenizer TOKENIZER = ByteTokenizer.create();

  private final FakeRootRank rank = new FakeRootRank();
  private final PrefixCachingRank cachingRank = new PrefixCachingRank(rank);

  private static GenerationRequest request(int[] prompt, int maxTokens) {
    return new GenerationRequest(prompt, maxTokens, SamplingParameters.greedy(), List.of(), 0);
  }

  private static RecordingListener run(PrefixCachingRank on, GenerationRequest request) {
    RecordingListener listener = new RecordingListener();
    GenerationJob job = new GenerationJob(request, listener, cancelled -> {});
    new GenerationRun(on, TOKENIZER, CONTEXT_LENGTH, job).run();
    return listener;
  }

  /** Runs a prompt with two tokens of answer; returns how many tokens were taken from the cache. */
  private int cachedOf(String prompt) {
    rank.steps.clear();
    rank.answer(prompt.length(), "ab");
    RecordingListener listener = run(cachingRank, request(ByteTokenizer.tokens(prompt), 2));
    assertEquals("ab", listener.text());
    return listener.usage().cachedTokens();
  }

  @Test
  void shouldRunAllOfAFirstPrompt() {
    assertEquals(0, cachedOf("0123456"));
    assertEquals(List.of("0+4", "4+3", "7+1"), rank.steps);
  }

  @Test
  void shouldRunOnlyTheLastTokenOfARepeatedPrompt() {
    cachedOf("0123456");
    assertEquals(6, cachedOf("0123456"));
    assertEquals(List.of("6+1", "7+1"), rank.steps);
  }

  @Test
  void shouldGoOnAfterTheTokensItGenerated() {
    cachedOf("0123456");
    // "b" was made but not run, as nothing came after it.
    assertEquals(8, cachedOf("0123456ab, next turn"));
    assertEquals("8+4", rank.steps.getFirst());
  }

  @Test
  void shouldGoBackToWhereAPromptDiffers() {
    cachedOf("0123456");
    assertEquals(3, cachedOf("012x"));
    assertEquals(3, cachedOf("0123456"));
    assertEquals(0, cachedOf("x"));
  }

  @Test
  void shouldKeepWhatWasThereBeforeAnAbortedStep() {
    cachedOf("0123456");
    GenerationRequest longer = request(ByteTokenizer.tokens("0123456ab, next turn"), 2);
    RecordingListener listener = new RecordingListener();
    GenerationJob job = new GenerationJob(longer, listener, cancelled -> {});
    rank.broken = () -> abortAt("12+4", job);

    new GenerationRun(cachingRank, TOKENIZER, CONTEXT_LENGTH, job).run();

    assertTrue(listener.end().cancelled());
    rank.broken = () -> null;
    assertEquals(12, cachedOf("0123456ab, next turn"));
  }

  private @Nullable RuntimeException abortAt(String step, GenerationJob job) {
    if (!rank.steps.getLast().equals(step)) {
      return null;
    }
    job.cancel();
    return new IllegalStateException("step aborted");
  }

  /** Prompts that share beginnings, some aborted, against a rank that begins anew each time. */
  @Test
  void shouldAnswerAsAFreshRankDoes() {
    for (long seed = 0; seed < 100; seed++) {
      Random random = new Random(seed);
      int[] last = {};
      int cachedTokens = 0;
      for (int i = 0; i < 30; i++) {
        GenerationRequest request = request(prompt(random, last), 1 + random.nextInt(8), random);
        RecordingListener fresh = run(new PrefixCachingRank(new FakeRootRank()), request);
        abortSometimes(random, request);

        RecordingListener cached = run(cachingRank, request);

        String what = "seed=" + seed + " request " + i;
        assertEquals(fresh.tokens, cached.tokens, what); // ids and log probabilities
        assertEquals(fresh.reason(), cached.reason(), what);
        cachedTokens += cached.usage().cachedTokens();
        last =
            IntStream.concat(
                    Arrays.stream(request.prompt()), cached.ids().stream().mapToInt(id -> id))
                .toArray();
      }
      assertTrue(cachedTokens > 0, "seed=" + seed);
    }
  }

  private static GenerationRequest request(int[] prompt, int maxTokens, Random random) {
    SamplingParameters sampling =
        new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), random.nextLong());
    return new GenerationRequest(prompt, maxTokens, sampling, List.of(), 3);
  }

  /** A beginning of the last prompt and answer, and a few new tokens. */
  private static int[] prompt(Random random, int[] last) {
    int shared = Math.min(random.nextInt(last.length + 1), CONTEXT_LENGTH - 10);
    int[] prompt = Arrays.copyOf(last, shared + 1 + random.nextInt(8));
    for (int i = shared; i < prompt.length; i++) {
      prompt[i] = 1 + random.nextInt(3);
    }
    return prompt;
  }

  private void abortSometimes(Random random, GenerationRequest request) {
    int stepsBefore = random.nextInt(6);
    GenerationJob job = new GenerationJob(request, new RecordingListener(), cancelled -> {});
    rank.steps.clear();
    rank.broken = () -> rank.steps.size() > stepsBefore ? abortAt(rank.steps.getLast(), job) : null;
    if (random.nextInt(3) == 0) {
      new GenerationRun(cachingRank, TOKENIZER, CONTEXT_LENGTH, job).run();
    }
    rank.broken = () -> null;
  }
}
