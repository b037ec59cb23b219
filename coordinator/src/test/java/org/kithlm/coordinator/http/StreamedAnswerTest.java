package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener;

class StreamedAnswerTest {
  private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "answer-test");

  @AfterEach
  void stop() {
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
  }

  /** Else each client that leaves might be logged as a failure. */
  @Test
  void shouldEndTheStreamBeforeAGenerationThatNobodyReadsTellsOfItsEnd() {
    AtomicReference<StreamedAnswer> made = new AtomicReference<>();
    try (FakeChatService service = new FakeChatService()) {
      StreamedAnswer answer =
          answer(
              service, () -> made.get().onCancelled(new GenerationListener.Usage(1, 0, 1, 1, 1)));
      made.set(answer);

      answer.abandon();

      String text =
          answer
              .response()
              .entity()
              .getDataBytes()
              .runFold(ByteString.emptyByteString(), ByteString::concat, system)
              .toCompletableFuture()
              .orTimeout(20, TimeUnit.SECONDS)
              .join()
              .utf8String();
      assertFalse(text.contains("error"), text);
    }
  }

  private StreamedAnswer answer(FakeChatService service, Runnable cancel) {
    CompletionOptions options =
        CompletionOptions.read(
            new Fields(JsonNodeFactory.instance.objectNode()), false, 0, null, null);
    return new StreamedAnswer(
        system,
        new SseEncoder(new ChatFormat(service, false, false), options),
        TestEndpoint.limits(Duration.ofSeconds(60), 16),
        cancel);
  }

  /** The client may leave just as the answer ends, which must not trouble the engine. */
  @Test
  void shouldTakeTheEndOfAnAnswerThatNobodyReads() {
    AtomicInteger cancelled = new AtomicInteger();
    try (FakeChatService service = new FakeChatService()) {
      StreamedAnswer answer = answer(service, cancelled::incrementAndGet);

      answer.abandon();
      answer.onChoice(0, FinishReason.STOP, "");
      answer.onFinished(new GenerationListener.Usage(1, 0, 1, 1, 1));
      answer.discard();

      assertEquals(1, cancelled.get());
    }
  }
}
