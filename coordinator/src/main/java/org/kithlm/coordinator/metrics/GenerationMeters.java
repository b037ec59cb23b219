package org.kithlm.coordinator.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.stream.LongStream;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/** Counts generations and what they cost. Thread-safe. */
final class GenerationMeters {
  private static final String OUTCOMES = "kith.generations";

  private final MeterRegistry registry;
  private final Counter promptTokens;
  private final Counter cachedTokens;
  private final Counter completionTokens;
  private final Timer ttft;
  private final Timer tpot;

  GenerationMeters(MeterRegistry registry) {
    this.registry = registry;
    promptTokens =
        Counter.builder("kith.prompt.tokens")
            .description("Tokens of prompts, of answers that ended well")
            .register(registry);
    cachedTokens =
        Counter.builder("kith.prompt.tokens.cached")
            .description("Of the prompts' tokens, those that did not have to be run")
            .register(registry);
    completionTokens =
        Counter.builder("kith.completion.tokens").description("Tokens made").register(registry);
    ttft =
        timer("kith.ttft", 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
            .description("From asking to the first token, the time in the queue included")
            .register(registry);
    tpot =
        timer("kith.tpot", 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
            .description("Time per token after the first, the mean of one answer")
            .register(registry);
  }

  /** A timer whose histogram has these bounds. */
  private static Timer.Builder timer(String name, long... boundsMs) {
    return Timer.builder(name)
        .serviceLevelObjectives(
            LongStream.of(boundsMs).mapToObj(Duration::ofMillis).toArray(Duration[]::new));
  }

  /** Starts a clock, see {@link #firstToken}. */
  Timer.Sample start() {
    return Timer.start(registry);
  }

  void firstToken(Timer.Sample started) {
    started.stop(ttft);
  }

  void token() {
    completionTokens.increment();
  }

  /** A generation has ended well, or was cancelled. */
  void used(Usage usage) {
    promptTokens.increment(usage.promptTokens());
    cachedTokens.increment(usage.cachedTokens());
    if (usage.tokensPerSecond() > 0) {
      tpot.record(Duration.ofNanos((long) (1e9 / usage.tokensPerSecond())));
    }
  }

  /** Counts how a generation ended. */
  void outcome(Enum<?> outcome) {
    outcome(outcome.name().toLowerCase(Locale.ROOT));
  }

  /** Counts how a generation ended. */
  void outcome(String outcome) {
    registry.counter(OUTCOMES, "outcome", outcome).increment();
  }
}
