package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.transformer.KvBlocks;

/** Requests of the background beside interactive ones. */
class BackgroundTest {
  private static final int CONTEXT_LENGTH = 1000;
  private static final int QUEUE_LENGTH = 16;
  private static final int BLOCK = KvBlocks.positions(1);

  private GenerationEngine engine = new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH);
  private final FakeRootRank rank = new FakeRootRank();
  private final BlockingQueue<String> losses = new LinkedBlockingQueue<>();

  @AfterEach
  void stop() {
    rank.release();
    engine.close();
  }

  private static void activate(GenerationEngine on, FakeRootRank root, BlockingQueue<String> lost)
      throws InterruptedException {
    on.activate(root, List.of(), lost::add)
        .toCompletableFuture()
        .orTimeout(FakeRootRank.TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .join();
    root.awaitBegun();
  }

  private void activate() throws InterruptedException {
    activate(engine, rank, losses);
  }

  private static GenerationRequest chat(String prompt) {
    return new GenerationRequest(
        ByteTokenizer.tokens(prompt), 3, SamplingParameters.greedy(), List.of(), 0);
  }

  /** A request of several steps of prompt, whose every part of state shows in its answer. */
  private static GenerationRequest title() {
    SamplingParameters sampling =
        new SamplingParameters(0.9f, 40, 0.95f, 0, 1, 0.5f, 0.5f, Map.of(), 1234);
    return new GenerationRequest(
            ByteTokenizer.tokens("a title for the chat"), 12, sampling, List.of("END"), 2)
        .withPriority(Priority.BACKGROUND);
  }

  private RecordingListener submit(GenerationRequest request) {
    RecordingListener listener = new RecordingListener();
    engine.submit(request, listener);
    return listener;
  }

  private static RecordingListener undisturbed() throws InterruptedException {
    RecordingListener listener = new RecordingListener();
    try (GenerationEngine other = new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH)) {
      activate(other, new FakeRootRank(), new LinkedBlockingQueue<>());
      other.submit(title(), listener);
      listener.end();
    }
    return listener;
  }

  /** A title in the step that follows so many, which waits. */
  private RecordingListener titleInStep(int step) throws InterruptedException {
    rank.broken =
        () -> {
          if (rank.steps.size() == step - 1) {
            rank.hold();
          }
          return null;
        };
    if (step == 1) {
      rank.hold();
    }
    RecordingListener listener = submit(title());
    for (int i = 0; i < step; i++) {
      rank.awaitBegun();
    }
    rank.broken = () -> null;
    return listener;
  }

  @Test
  void shouldServeInteractiveRequestsFirst() throws Exception {
    activate();
    rank.hold();
    RecordingListener running = submit(chat("running"));
    rank.awaitBegun();
    RecordingListener title = submit(title());
    RecordingListener chat = submit(chat("chat"));
    CompletableFuture<Boolean> titleWasFirst =
        chat.ended().thenApply(end -> title.hasEnded() || !title.tokens.isEmpty());

    rank.release();

    assertEquals(FinishReason.LENGTH, running.reason());
    assertFalse(titleWasFirst.get(FakeRootRank.TIMEOUT_SECONDS, TimeUnit.SECONDS));
    assertEquals(undisturbed().tokens, tokensOf(title));
  }

  private static List<GenerationListener.Token> tokensOf(RecordingListener listener) {
    assertEquals(FinishReason.LENGTH, listener.reason());
    return listener.tokens;
  }

  @Test
  void shouldGiveWayInAnyStepAndGoOnAsIfNothingHadCome() throws Exception {
    List<GenerationListener.Token> expected = undisturbed().tokens;
    activate();
    for (int step = 1; step <= 10; step++) { // 5 of prompt
      RecordingListener title = titleInStep(step);

      RecordingListener chat = submit(chat("chat"));
      rank.awaitBegun(); // its first step, without that of the title having ended

      assertFalse(title.hasEnded());
      rank.release();
      assertEquals(FinishReason.LENGTH, chat.reason());
      assertEquals(expected, tokensOf(title), "step " + step);
      rank.begun.clear();
      rank.steps.clear();
    }
    assertEquals(List.of(), List.copyOf(losses));
  }

  @Test
  void shouldTellOfASetAsideRequestThatIsCancelledAtOnce() throws Exception {
    activate();
    rank.hold();
    RecordingListener title = new RecordingListener();
    Generation generation = engine.submit(title(), title);
    rank.awaitBegun();
    RecordingListener chat = submit(chat("chat"));
    rank.awaitBegun();
    assertEquals(1, engine.status().queued());

    generation.cancel();

    assertTrue(title.end().cancelled());
    assertFalse(chat.hasEnded());
    assertEquals(0, engine.status().queued());
    rank.release();
    assertEquals(FinishReason.LENGTH, chat.reason());
  }

  @Test
  void shouldHaveRoomForInteractiveRequestsBesideAFullBackground() throws Exception {
    activate();
    rank.hold();
    submit(chat("running"));
    rank.awaitBegun();
    List<RecordingListener> titles = new ArrayList<>();
    for (int i = 0; i < QUEUE_LENGTH; i++) {
      titles.add(submit(title()));
    }

    assertEquals(
        GenerationRefusedException.Reason.QUEUE_FULL,
        assertThrows(GenerationRefusedException.class, () -> submit(title())).reason());

    RecordingListener chat = submit(chat("chat"));
    rank.release();
    assertEquals(FinishReason.LENGTH, chat.reason());
    for (RecordingListener title : titles) {
      assertEquals(undisturbed().tokens, tokensOf(title));
    }
  }

  @Test
  void shouldRefuseTheBackgroundThatWaitsTooLong() throws Exception {
    engine.close();
    engine = new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH, 60_000, 0);
    activate();
    rank.hold();
    RecordingListener begun = submit(title());
    rank.awaitBegun();
    submit(chat("first"));
    rank.awaitBegun();
    RecordingListener queued = submit(title());
    RecordingListener second = submit(chat("second"));

    rank.release();

    String message = "interactive requests came first for 0 s; ask again when there are fewer";
    assertEquals(message, queued.refusal());
    assertEquals(message, begun.failure());
    assertEquals(FinishReason.LENGTH, second.reason());
    assertEquals(undisturbed().tokens, tokensOf(submit(title()))); // nothing comes before it
  }

  @Test
  void shouldGoOnWithBothOnTheNextRoot() throws Exception {
    activate();
    RecordingListener title = titleInStep(7);
    RecordingListener chat = submit(chat("chat"));
    rank.awaitBegun();

    engine.deactivate("lost rank 2");

    assertFalse(title.hasEnded() || chat.hasEnded());
    activate(engine, new FakeRootRank(), losses);
    assertEquals(FinishReason.LENGTH, chat.reason());
    assertEquals(undisturbed().tokens, tokensOf(title));
  }

  @Test
  void shouldFailWhatWasSetAsideWhenClosed() throws Exception {
    activate();
    RecordingListener title = titleInStep(1);
    submit(chat("chat"));
    rank.awaitBegun();

    engine.close();

    assertEquals("the cluster shuts down", title.failure());
  }

  private static GenerationRequest titleOf(int promptLength) {
    return new GenerationRequest(
            ByteTokenizer.tokens("t".repeat(promptLength)),
            12,
            SamplingParameters.greedy(),
            List.of(),
            0)
        .withPriority(Priority.BACKGROUND);
  }

  /** A chat, work on it, and the chat's next turn: only what is new is run. */
  @Test
  void shouldLeaveTheChatInTheCache() throws Exception {
    activate();
    for (String other : List.of("t", "all of another", "a title for the chat")) {
      RecordingListener first = submit(chat("a turn of the chat"));
      GenerationRequest next = next("a turn of the chat", first);
      rank.steps.clear();
      GenerationRequest work =
          new GenerationRequest(
                  ByteTokenizer.tokens(other), 4, SamplingParameters.greedy(), List.of(), 0)
              .withPriority(Priority.BACKGROUND);
      RecordingListener background = submit(work);
      assertEquals(FinishReason.LENGTH, background.reason());
      assertTrue(rank.steps.stream().allMatch(step -> step.startsWith("1/")), other);
      rank.steps.clear();

      RecordingListener second = submit(next);

      int known = "a turn of the chat".length() + 2; // the last one was made but not run
      assertEquals(known, second.usage().cachedTokens(), other);
      assertEquals(known + "+4", rank.steps.getFirst());
      assertEquals(freshTokens(work), background.tokens, other);
      assertEquals(freshTokens(next), second.tokens, other);
    }
  }

  /** The turn after one that was answered. */
  private static GenerationRequest next(String prompt, RecordingListener answer) {
    assertEquals(3, answer.usage().completionTokens());
    int[] tokens =
        Stream.of(
                Arrays.stream(ByteTokenizer.tokens(prompt)),
                answer.ids().stream().mapToInt(id -> id),
                Arrays.stream(ByteTokenizer.tokens(", next")))
            .flatMapToInt(part -> part)
            .toArray();
    return new GenerationRequest(tokens, 3, SamplingParameters.greedy(), List.of(), 0);
  }

  /** What ranks make that know nothing yet. */
  private static List<GenerationListener.Token> freshTokens(GenerationRequest request)
      throws InterruptedException {
    RecordingListener listener = new RecordingListener();
    try (GenerationEngine other = new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH)) {
      activate(other, new FakeRootRank(), new LinkedBlockingQueue<>());
      other.submit(request.withPriority(Priority.INTERACTIVE), listener);
      listener.end();
    }
    return listener.tokens;
  }

  /** Also where the chat has had several texts, whose branches take memory. */
  @Test
  void shouldMakeSeveralTextsOneAfterAnotherBesideAChatOfSeveral() throws Exception {
    Choices three = new Choices(3, false);
    RecordingListener expected = new RecordingListener();
    try (GenerationEngine other = new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH)) {
      activate(other, new FakeRootRank(), new LinkedBlockingQueue<>());
      other.submit(title().withPriority(Priority.INTERACTIVE).withChoices(three), expected);
      expected.end();
    }
    activate();
    RecordingListener chat = submit(chat("a title").withChoices(three));
    assertEquals(FinishReason.LENGTH, chat.reason());
    rank.steps.clear();

    RecordingListener titles = submit(title().withChoices(three));

    assertEquals(FinishReason.LENGTH, titles.reason());
    for (int i = 0; i < 3; i++) {
      assertEquals(expected.choice(i).tokens, titles.choice(i).tokens);
    }
    assertTrue(rank.steps.stream().allMatch(step -> step.startsWith("1/6:")), rank.steps::toString);
  }

  @Test
  void shouldGiveTheBackgroundTheRoomBesideTheChat() throws Exception {
    engine.close();
    engine = new GenerationEngine(ByteTokenizer.create(), 2 * BLOCK);
    activate();
    submit(chat("c".repeat(BLOCK - 10))).end();

    RecordingListener cut = submit(titleOf(BLOCK - 5));
    RecordingListener refused = submit(titleOf(BLOCK));

    assertEquals(FinishReason.LENGTH, cut.reason());
    assertEquals(5, cut.usage().completionTokens());
    assertEquals(
        "the prompt has 128 tokens, but beside the chat there is room for 127; ask without"
            + " service_tier flex",
        refused.refusal());
    assertEquals(
        BLOCK - 10, submit(chat("c".repeat(BLOCK - 10) + "x".repeat(20))).usage().cachedTokens());
  }

  @Test
  void shouldFailWhatHasNoRoomAnyMoreBesideAChatThatHasGrown() throws Exception {
    engine.close();
    engine = new GenerationEngine(ByteTokenizer.create(), 2 * BLOCK);
    activate();
    rank.hold();
    RecordingListener title = submit(titleOf(BLOCK - 5));
    rank.awaitBegun();
    RecordingListener chat = submit(chat("c".repeat(BLOCK + 1)));
    rank.awaitBegun();

    rank.release();

    assertEquals(FinishReason.LENGTH, chat.reason());
    assertTrue(title.failure().contains("has 123 tokens"), title.failure());
  }

  @Test
  void shouldTakeInANodeWhileARequestIsSetAside() throws Exception {
    activate();
    RecordingListener title = titleInStep(6);
    RecordingListener chat = submit(chat("chat"));
    rank.awaitBegun();
    CompletableFuture<Boolean> ended = new CompletableFuture<>();
    engine.whenIdle(
        () -> {
          boolean between = chat.hasEnded() && !title.hasEnded();
          engine.deactivate("the cluster takes in a node");
          ended.complete(between);
        });

    rank.release();

    assertTrue(ended.get(FakeRootRank.TIMEOUT_SECONDS, TimeUnit.SECONDS));
    activate(engine, new FakeRootRank(), losses);
    assertEquals(undisturbed().tokens, tokensOf(title));
  }
}
