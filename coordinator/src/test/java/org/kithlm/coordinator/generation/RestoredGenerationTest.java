package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.model.sampling.SamplingParameters;

/** Generations of which ranks have a part on their disks. */
class RestoredGenerationTest {
  private static final int CONTEXT_LENGTH = 1000;
  private static final int ANSWER_TOKENS = 3;
  private static final String PROMPT = "once upon a time";

  private final GenerationEngine engine =
      new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH);

  @AfterEach
  void stop() {
    engine.close();
  }

  private FakeRootRank activate() {
    FakeRootRank rank = new FakeRootRank();
    engine
        .activate(rank, List.of(), reason -> {})
        .toCompletableFuture()
        .orTimeout(FakeRootRank.TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .join();
    return rank;
  }

  private RecordingListener answer(String prompt, Choices choices) {
    GenerationRequest request =
        new GenerationRequest(
            ByteTokenizer.tokens(prompt), ANSWER_TOKENS, SamplingParameters.greedy(), List.of(), 0);
    RecordingListener listener = new RecordingListener();
    engine.submit(request.withChoices(choices), listener);
    listener.usage();
    return listener;
  }

  private RecordingListener answer(String prompt) {
    return answer(prompt, Choices.ONE);
  }

  @Test
  void shouldRunOnlyWhatDisksLack() {
    FakeRootRank rank = activate();
    RecordingListener expected = answer(PROMPT);
    engine.deactivate("another plan");
    FakeRootRank next = activate();
    next.disk = ByteTokenizer.tokens(PROMPT.substring(0, 10));

    RecordingListener restored = answer(PROMPT);

    assertEquals(expected.tokens, restored.tokens);
    assertEquals(8, restored.usage().cachedTokens());
    assertEquals("8+4", next.steps.getFirst());
    assertEquals(0, expected.usage().cachedTokens());
    assertEquals(List.of(4, 8, 12, 16, 17, 18), rank.kept);
  }

  @Test
  void shouldLeaveTheLastTokenToAStep() {
    FakeRootRank rank = activate();
    rank.disk = ByteTokenizer.tokens(PROMPT + " there was");

    RecordingListener restored = answer(PROMPT);

    assertEquals(12, restored.usage().cachedTokens());
    assertEquals("12+4", rank.steps.getFirst());
  }

  @Test
  void shouldPreferWhatRanksHoldAlready() {
    FakeRootRank rank = activate();
    answer(PROMPT);
    rank.disk = ByteTokenizer.tokens(PROMPT);

    assertEquals(15, answer(PROMPT).usage().cachedTokens());
    assertEquals(4, answer(PROMPT.substring(0, 4) + "!!!!!!!!").usage().cachedTokens());
    assertEquals(12, answer(PROMPT).usage().cachedTokens());
  }

  @Test
  void shouldBranchSeveralTextsOffWhatWasRestored() {
    activate();
    RecordingListener expected = answer(PROMPT, new Choices(3, false));
    engine.deactivate("another plan");
    FakeRootRank next = activate();
    next.disk = ByteTokenizer.tokens(PROMPT);

    RecordingListener restored = answer(PROMPT, new Choices(3, false));

    assertEquals(12, restored.usage().cachedTokens());
    for (int i = 0; i < 3; i++) {
      assertEquals(expected.choice(i).ids(), restored.choice(i).ids());
    }
  }

  @Test
  void shouldFailWithItsRanksWhenTheyAreLostMeanwhile() {
    FakeRootRank rank = activate();
    RecordingListener expected = answer(PROMPT);
    answer("x");
    rank.disk = ByteTokenizer.tokens(PROMPT);
    rank.broken = () -> new IllegalStateException("rank 1 is lost");
    RecordingListener listener = new RecordingListener();
    engine.submit(
        new GenerationRequest(
            ByteTokenizer.tokens(PROMPT), ANSWER_TOKENS, SamplingParameters.greedy(), List.of(), 0),
        listener);
    rank.breakWait(new IllegalStateException("rank 1 is lost"));

    activate();

    assertNotNull(listener.usage());
    assertEquals(expected.tokens, listener.tokens);
  }
}
