package org.kithlm.node.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class CausesTest {
  @Test
  void shouldTellTheInnermostWrappedMessage() {
    IllegalStateException cause = new IllegalStateException("rank 1 is lost");
    assertEquals(
        "rank 1 is lost", Causes.message(new CompletionException(new ExecutionException(cause))));
    assertEquals("IllegalStateException", Causes.message(new IllegalStateException()));
    assertEquals("unknown failure", Causes.message(null));
  }

  @Test
  void shouldNameErrorsOfTheJvm() {
    assertEquals(
        "out of memory (Java heap space); shorten the context or let more nodes share the model",
        Causes.message(new CompletionException(new OutOfMemoryError("Java heap space"))));
    assertEquals(
        "java.lang.NoClassDefFoundError: org/Missing",
        Causes.message(new NoClassDefFoundError("org/Missing")));
  }
}
