package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.CollectiveReport;

class GenerationEngineTest {
  private static final int CONTEXT_LENGTH = 1000;
  private static final int QUEUE_LENGTH = 16;

  private final GenerationEngine engine =
      new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH);
  private final FakeRootRank rank = new FakeRootRank();
  private final BlockingQueue<String> losses = new LinkedBlockingQueue<>();

  @AfterEach
  void stop() {
    rank.release();
    engine.close();
  }

  private static <T> T await(CompletionStage<T> stage) {
    return stage
        .toCompletableFuture()
        .orTimeout(FakeRootRank.TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .join();
  }

  private static String failure(CompletionStage<CollectiveReport> stage) {
    return Causes.message(assertThrows(CompletionException.class, () -> await(stage)));
  }

  private void activate(FakeRootRank root) throws InterruptedException {
    await(engine.activate(root, List.of(), losses::add));
    root.awaitBegun();
  }

  private static GenerationRequest request(String prompt) {
    return new GenerationRequest(
        ByteTokenizer.tokens(prompt), 3, SamplingParameters.greedy(), List.of(), 0);
  }

  private RecordingListener submit(String prompt) {
    RecordingListener listener = new RecordingListener();
    engine.submit(request(prompt), listener);
    return listener;
  }

  /** A request in its first step, which waits. */
  private RecordingListener running(FakeRootRank root) throws InterruptedException {
    root.hold();
    RecordingListener listener = submit("running");
    root.awaitBegun();
    return listener;
  }

  private void assertRefused(GenerationRefusedException.Reason reason) {
    assertEquals(
        reason, assertThrows(GenerationRefusedException.class, () -> submit("x")).reason());
  }

  @Test
  void shouldRefuseRequestsBeforeARootIsActive() throws Exception {
    assertRefused(GenerationRefusedException.Reason.NOT_READY);
    assertFalse(engine.isReady());
    assertNull(engine.status().rootStatistics());

    activate(rank);

    assertTrue(engine.isReady());
    assertNotNull(engine.status().rootStatistics());
    assertEquals(FinishReason.LENGTH, submit("x").reason());
  }

  @Test
  void shouldRefuseRequestsThatTheQueueHasNoRoomFor() throws Exception {
    activate(rank);
    List<RecordingListener> listeners = new ArrayList<>(List.of(running(rank)));
    for (int i = 0; i < QUEUE_LENGTH; i++) {
      listeners.add(submit("queued " + i));
    }

    assertRefused(GenerationRefusedException.Reason.QUEUE_FULL);

    rank.release();
    for (RecordingListener listener : listeners) {
      assertEquals(FinishReason.LENGTH, listener.reason());
    }
  }

  @Test
  void shouldTellWhatItDoes() throws Exception {
    assertEquals(new EngineStatus(0, null, null), engine.status());
    activate(rank);
    RecordingListener first = running(rank);
    RecordingListener second = submit("queued");

    EngineStatus busy = engine.status();
    assertEquals(1, busy.queued());
    assertEquals(GenerationTiming.State.PREFILL, Objects.requireNonNull(busy.timing()).state());

    rank.release();
    first.end();
    second.end();
    GenerationTiming last = Objects.requireNonNull(engine.status().timing());
    assertEquals(GenerationTiming.State.ENDED, last.state());
    assertEquals("queued".length(), last.promptTokens());
    assertEquals(3, last.completionTokens());
  }

  @Test
  void shouldDropACancelledRequestFromTheQueueAtOnce() throws Exception {
    activate(rank);
    RecordingListener first = running(rank);
    RecordingListener queued = new RecordingListener();
    Generation generation = engine.submit(request("queued"), queued);
    for (int i = 1; i < QUEUE_LENGTH; i++) {
      submit("queued " + i);
    }

    generation.cancel();
    generation.cancel();

    assertTrue(queued.end().cancelled());
    assertEquals(6, queued.usage().promptTokens());
    assertFalse(first.hasEnded());
    submit("takes its place");
  }

  @Test
  void shouldAbortTheStepOfACancelledRequestAndServeTheNext() throws Exception {
    activate(rank);
    rank.hold();
    RecordingListener first = new RecordingListener();
    Generation generation = engine.submit(request("first"), first);
    rank.awaitBegun();
    RecordingListener second = submit("second");

    generation.cancel();

    assertTrue(first.end().cancelled());
    rank.release();
    assertEquals(FinishReason.LENGTH, second.reason());
    assertEquals(List.of(), List.copyOf(losses));
  }

  @Test
  void shouldFailTheRequestWhoseStepALeafCouldNotDoAndServeTheNext() throws Exception {
    activate(rank);
    RecordingListener first = running(rank);

    engine.failStep("rank 1 failed: tile 7 is cut short");

    assertEquals("rank 1 failed: tile 7 is cut short", first.failure());
    rank.release();
    assertEquals(FinishReason.LENGTH, submit("second").reason());
    assertEquals(List.of(), List.copyOf(losses));
  }

  /** A request whose every part of state shows in its answer. */
  private static GenerationRequest stateful() {
    SamplingParameters sampling =
        new SamplingParameters(0.9f, 40, 0.95f, 0, 1, 0.5f, 0.5f, Map.of(), 1234);
    return new GenerationRequest(
        ByteTokenizer.tokens("a prompt of several steps"), 40, sampling, List.of("END"), 2);
  }

  private RecordingListener undisturbed() throws InterruptedException {
    RecordingListener listener = new RecordingListener();
    try (GenerationEngine other = new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH)) {
      await(other.activate(new FakeRootRank(), List.of(), losses::add));
      other.submit(stateful(), listener);
      listener.end();
    }
    return listener;
  }

  /** A root whose session ends by itself in the step that follows so many. */
  private static FakeRootRank breakingAfter(int steps) {
    FakeRootRank root = new FakeRootRank();
    root.broken =
        () ->
            root.steps.size() > steps
                ? new IllegalStateException("rank 1 at 10.0.0.2 is lost")
                : null;
    return root;
  }

  @Test
  void shouldGoOnWithOtherRanksAsIfNoneHadBeenLost() throws Exception {
    RecordingListener expected = undisturbed();
    RecordingListener listener = new RecordingListener();
    await(engine.activate(breakingAfter(3), List.of(), losses::add)); // in the prompt
    engine.submit(stateful(), listener);
    for (int steps : new int[] {9, 20}) { // in the answer, and again
      assertEquals("rank 1 at 10.0.0.2 is lost", losses.poll(20, TimeUnit.SECONDS));
      assertFalse(listener.hasEnded());
      FakeRootRank next = breakingAfter(steps);
      await(engine.activate(next, List.of(), losses::add));
      assertTrue(next.warmUp.isZero(), "a request waits");
    }
    assertEquals("rank 1 at 10.0.0.2 is lost", losses.poll(20, TimeUnit.SECONDS));
    await(engine.activate(new FakeRootRank(), List.of(), losses::add));

    assertEquals(expected.text(), listener.text());
    assertEquals(expected.tokens, listener.tokens);
    assertEquals(expected.reason(), listener.reason());
  }

  @Test
  void shouldWarmUpForLongestAtFirst() throws Exception {
    activate(rank);
    engine.deactivate("a node joins");
    FakeRootRank next = new FakeRootRank();
    await(engine.activate(next, List.of(), losses::add));

    assertTrue(next.warmUp.isPositive());
    assertTrue(rank.warmUp.compareTo(next.warmUp) > 0, rank.warmUp + " then " + next.warmUp);
  }

  @Test
  void shouldTellTheOwnerWhenARankIsLost() throws Exception {
    activate(rank);
    rank.broken = () -> new IllegalStateException("rank 1 at 10.0.0.2 is lost");
    RecordingListener listener = submit("x");

    assertEquals("rank 1 at 10.0.0.2 is lost", losses.poll(20, TimeUnit.SECONDS));

    assertTrue(rank.closed);
    assertFalse(engine.isReady());
    assertFalse(listener.hasEnded());
    GenerationTiming timing = Objects.requireNonNull(engine.status().timing());
    assertEquals(GenerationTiming.State.PREFILL, timing.state());
  }

  @Test
  void shouldForgetARequestThatIsCancelledWhileItWaitsForARoot() throws Exception {
    activate(rank);
    rank.hold();
    RecordingListener listener = new RecordingListener();
    Generation generation = engine.submit(request("running"), listener);
    rank.awaitBegun();
    engine.deactivate("lost rank 2");

    generation.cancel();

    assertTrue(listener.end().cancelled());
  }

  @Test
  void shouldGoOnBeforeItTakesInANode() throws Exception {
    activate(rank);
    RecordingListener listener = running(rank);
    CompletableFuture<Boolean> ended = new CompletableFuture<>();
    engine.whenIdle(() -> ended.complete(listener.hasEnded()));

    engine.deactivate("lost rank 2");
    activate(new FakeRootRank());

    assertTrue(await(ended));
  }

  @Test
  void shouldSurviveErrorsInAStep() throws Exception {
    activate(rank);
    rank.broken =
        () -> {
          throw new OutOfMemoryError("Java heap space");
        };
    rank.brokenClose = true;
    String message =
        "out of memory (Java heap space); shorten the context or let more nodes share the model";

    assertEquals(message, submit("x").failure());

    assertEquals(message, losses.poll(20, TimeUnit.SECONDS));
    activate(new FakeRootRank());
    assertEquals(FinishReason.LENGTH, submit("x").reason());
  }

  @Test
  void shouldSurviveErrorsWhileItConnects() throws Exception {
    rank.hold();
    CompletionStage<CollectiveReport> connecting = engine.activate(rank, List.of(), losses::add);
    rank.awaitBegun();

    rank.breakWait(new StackOverflowError());

    assertEquals("java.lang.StackOverflowError", failure(connecting));
    assertTrue(rank.closed);
    activate(new FakeRootRank());
    assertTrue(engine.isReady());
  }

  @Test
  void shouldSurviveIdleActionsThatFail() throws Exception {
    engine.whenIdle(
        () -> {
          throw new IllegalStateException("a fault of the caller");
        });
    activate(rank);

    assertEquals(FinishReason.LENGTH, submit("x").reason());
  }

  @Test
  void shouldNoticeALossWhileIdle() throws Exception {
    activate(rank);
    rank.broken = () -> new IllegalStateException("rank 1 closed its session");

    assertEquals("rank 1 closed its session", losses.poll(20, TimeUnit.SECONDS));
    assertFalse(engine.isReady());
  }

  @Test
  void shouldGoOnAfterItWasDeactivated() throws Exception {
    activate(rank);
    RecordingListener listener = running(rank);

    engine.deactivate("lost rank 2");

    assertFalse(engine.isReady());
    activate(new FakeRootRank()); // comes after the end of the old one
    assertTrue(rank.closed);
    assertEquals(FinishReason.LENGTH, listener.reason());
    assertEquals(List.of(), List.copyOf(losses));
  }

  @Test
  void shouldServeQueuedRequestsOnTheNextRoot() throws Exception {
    activate(rank);
    RecordingListener first = running(rank);
    RecordingListener queued = submit("queued");

    engine.deactivate("lost rank 2");

    assertFalse(first.hasEnded() || queued.hasEnded());
    activate(new FakeRootRank());
    assertEquals(FinishReason.LENGTH, first.reason());
    assertEquals(FinishReason.LENGTH, queued.reason());
  }

  @Test
  void shouldFailOrRefuseRequestsThatNoRootComesFor() throws Exception {
    try (GenerationEngine impatient =
        new GenerationEngine(ByteTokenizer.create(), CONTEXT_LENGTH, 0, 0)) {
      await(impatient.activate(rank, List.of(), losses::add));
      rank.awaitBegun();
      rank.hold();
      RecordingListener running = new RecordingListener();
      impatient.submit(request("running"), running);
      rank.awaitBegun();
      RecordingListener queued = new RecordingListener();
      impatient.submit(request("queued"), queued);

      impatient.deactivate("lost rank 2");

      String message = "the cluster was not ready again within 0 s; it ended with: lost rank 2";
      assertEquals(message, running.failure());
      assertEquals(message, queued.refusal());
      assertEquals(
          GenerationRefusedException.Reason.NOT_READY,
          assertThrows(
                  GenerationRefusedException.class,
                  () -> impatient.submit(request("late"), new RecordingListener()))
              .reason());
    }
  }

  @Test
  void shouldQueueRequestsWhileThePlanIsChanged() throws Exception {
    activate(rank);
    engine.deactivate("a device joins");
    FakeRootRank next = new FakeRootRank();
    next.hold();
    CompletionStage<CollectiveReport> connecting = engine.activate(next, List.of(), losses::add);
    next.awaitBegun(); // it is being warmed up
    List<RecordingListener> listeners = new ArrayList<>();
    for (int i = 0; i < QUEUE_LENGTH; i++) {
      listeners.add(submit("queued " + i));
    }
    assertRefused(GenerationRefusedException.Reason.QUEUE_FULL);

    next.release();
    await(connecting);
    for (RecordingListener listener : listeners) {
      assertEquals(FinishReason.LENGTH, listener.reason());
    }
  }

  @Test
  void shouldTellAllRequestsWhenClosed() throws Exception {
    activate(rank);
    RecordingListener running = running(rank);
    RecordingListener queued = submit("queued");

    engine.close();

    assertEquals("the cluster shuts down", running.failure());
    assertEquals("the cluster shuts down", queued.refusal());
    assertTrue(rank.closed);
    assertRefused(GenerationRefusedException.Reason.NOT_READY);
  }

  @Test
  void shouldCloseARootThatComesTooLate() {
    engine.close();

    assertEquals("the cluster shuts down", failure(engine.activate(rank, List.of(), losses::add)));
    assertTrue(rank.closed);
  }

  @Test
  void shouldRunIdleActionsBetweenGenerations() throws Exception {
    activate(rank);
    RecordingListener first = running(rank);
    RecordingListener second = submit("second");
    CompletableFuture<List<Boolean>> ended = new CompletableFuture<>();
    engine.whenIdle(() -> ended.complete(List.of(first.hasEnded(), second.hasEnded())));
    assertFalse(ended.isDone());

    rank.release();

    assertEquals(List.of(true, false), await(ended));
    assertEquals(FinishReason.LENGTH, second.reason());
  }

  @Test
  void shouldKeepQueuedRequestsFromARootThatAnIdleActionEnds() throws Exception {
    activate(rank);
    RecordingListener first = running(rank);
    RecordingListener queued = submit("queued");
    CompletableFuture<Boolean> deactivated = new CompletableFuture<>();
    engine.whenIdle(
        () -> {
          engine.deactivate("the cluster takes in a node");
          deactivated.complete(true);
        });

    rank.release();

    assertEquals(FinishReason.LENGTH, first.reason());
    assertTrue(await(deactivated));
    activate(new FakeRootRank());
    assertEquals(FinishReason.LENGTH, queued.reason());
    assertTrue(rank.closed);
  }

  @Test
  void shouldEndRootsThatAreDeactivatedBeforeTheyConnect() throws Exception {
    rank.hold();
    CompletionStage<CollectiveReport> connecting = engine.activate(rank, List.of(), losses::add);
    rank.awaitBegun();
    FakeRootRank waiting = new FakeRootRank();
    CompletionStage<CollectiveReport> next = engine.activate(waiting, List.of(), losses::add);

    engine.deactivate("a node left");

    assertEquals("a node left", failure(connecting));
    assertEquals("a node left", failure(next));
    assertTrue(rank.closed && waiting.closed);
    activate(new FakeRootRank());
    assertTrue(engine.isReady());
  }

  @Test
  void shouldFailOnlyTheRequestThatTheSamplerCannotServe() throws Exception {
    activate(rank);
    rank.model = tokens -> new float[] {Float.NaN};
    assertTrue(submit("x").failure().contains("NaN"));

    rank.model = FakeRootRank::mixed;
    assertEquals(FinishReason.LENGTH, submit("x").reason());
    assertEquals(List.of(), List.copyOf(losses));
  }

  @Test
  void shouldNotReuseWhatARequestFailedOn() throws Exception {
    activate(rank);
    rank.model = tokens -> new float[] {Float.NaN};
    assertTrue(submit("prompt").failure().contains("NaN"));

    rank.model = FakeRootRank::mixed;
    assertEquals(0, submit("prompt").usage().cachedTokens());
    assertEquals(5, submit("prompt").usage().cachedTokens());
  }
}
