package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
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

  /** The client may leave just as the answer ends, which must not trouble the engine. */
  @Test
  void shouldTakeTheEndOfAnAnswerThatNobodyReads() {
    AtomicInteger cancelled = new AtomicInteger();
    try (FakeChatService service = new FakeChatService()) {
      CompletionOptions options =
          CompletionOptions.read(
              new Fields(JsonNodeFactory.instance.objectNode()), false, 0, null, null);
      StreamedAnswer answer =
          new StreamedAnswer(
              system,
              new SseEncoder(new ChatFormat(service, false, false), options),
              TestEndpoint.limits(Duration.ofSeconds(60), 16),
              cancelled::incrementAndGet);

      answer.abandon();
      answer.onChoice(0, FinishReason.STOP, "");
      answer.onFinished(new GenerationListener.Usage(1, 0, 1, 1, 1));
      answer.discard();

      assertEquals(1, cancelled.get());
    }
  }
}
