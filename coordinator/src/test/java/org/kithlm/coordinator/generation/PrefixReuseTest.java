package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.sampling.SamplingParameters;

/** A real model on two ranks: what comes out of the KV cache is what a whole prefill gives. */
@Tag("model")
class PrefixReuseTest {
  private static final int ANSWER_TOKENS = 8;
  private static final String PROMPT =
      "The capital of France is Paris. The capital of Italy is Rome. The capital of Spain is";
  private static final String OTHER = "def fibonacci(n):";

  @TempDir static Path folder;

  private TwoRanks ranks;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    ranks = new TwoRanks(folder, TwoRanks.RESIDENT);
  }

  @AfterEach
  void stop() {
    if (ranks != null) {
      ranks.close();
    }
  }

  private Generation submit(String prompt, RecordingListener listener) {
    return ranks.engine.submit(
        new GenerationRequest(
            ranks.tokenizer.encodePrompt(prompt),
            ANSWER_TOKENS,
            SamplingParameters.greedy(),
            List.of(),
            5),
        listener);
  }

  private RecordingListener answer(String prompt) {
    RecordingListener listener = new RecordingListener();
    submit(prompt, listener);
    assertTrue(listener.usage().completionTokens() > 0);
    return listener;
  }

  @Test
  void shouldAnswerFromTheCacheBitForBit() {
    RecordingListener first = answer(PROMPT);
    RecordingListener repeated = answer(PROMPT);
    assertEquals(first.usage().promptTokens() - 1, repeated.usage().cachedTokens());
    assertEquals(first.tokens, repeated.tokens); // ids, log probabilities and candidates

    String nextTurn = PROMPT + first.text() + " And the capital of Portugal is";
    RecordingListener continued = answer(nextTurn);
    assertTrue(continued.usage().cachedTokens() > first.usage().promptTokens());
    assertEquals(0, answer(OTHER).usage().cachedTokens());
    RecordingListener anew = answer(nextTurn);
    assertEquals(0, anew.usage().cachedTokens());
    assertEquals(anew.tokens, continued.tokens);
  }

  @Test
  void shouldGoOnFromAnAbortedStepBitForBit() throws InterruptedException {
    String longer = PROMPT + " Madrid. The capital of Portugal is Lisbon. The capital of Greece is";
    RecordingListener expected = answer(longer);
    for (int abortedStep = 1; abortedStep <= 3; abortedStep++) {
      answer(OTHER);
      abort(longer, abortedStep);
      RecordingListener resumed = answer(longer);
      assertEquals(expected.tokens, resumed.tokens, "aborted in step " + abortedStep);
      // The aborted step may have been over when the cancel came.
      int cached = resumed.usage().cachedTokens();
      assertTrue(
          cached == (abortedStep - 1) * TwoRanks.MAX_TOKENS
              || cached == abortedStep * TwoRanks.MAX_TOKENS,
          "aborted in step " + abortedStep + " cached=" + cached);
    }
  }

  /** Cancels a request from another thread while its n-th step runs. */
  private void abort(String prompt, int step) throws InterruptedException {
    CompletableFuture<Generation> generation = new CompletableFuture<>();
    RecordingListener listener = new RecordingListener();
    int[] steps = {0};
    ranks.onStep =
        () -> {
          if (++steps[0] == step) {
            Thread.ofPlatform().daemon().start(() -> generation.join().cancel());
          }
        };
    generation.complete(submit(prompt, listener));
    assertTrue(listener.end().cancelled());
    ranks.onStep = () -> {};
  }
}
