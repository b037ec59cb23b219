package org.kithlm.deploy.bench;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.kithlm.node.rank.RootRank;

/**
 * Speed of a model on this machine alone, as llama-bench defines it: {@code pp N} runs a prompt of
 * N tokens from an empty context, with the logits after its last one; {@code tg N} runs N tokens
 * one by one from an empty context, with logits after each. Tokens are random. Owned by one thread.
 */
public final class ModelBench {
  private static final long SEED = 42;

  private final RootRank rank;
  private final int vocabularySize;
  private final int repetitions;
  private final LongSupplier clockNs;

  /**
   * Measures with a rank that is connected.
   *
   * @param vocabularySize token ids are drawn from 0 to this
   * @param repetitions of each test, at least 1; one more goes before and does not count
   */
  public ModelBench(RootRank rank, int vocabularySize, int repetitions) {
    this(rank, vocabularySize, repetitions, System::nanoTime);
  }

  ModelBench(RootRank rank, int vocabularySize, int repetitions, LongSupplier clockNs) {
    this.rank = rank;
    this.vocabularySize = vocabularySize;
    this.repetitions = repetitions;
    this.clockNs = clockNs;
  }

  /**
   * Result of a test.
   *
   * @param test its name
   * @param tokensPerSecond mean of the repetitions
   * @param deviation standard deviation of the sample, 0 with one repetition
   */
  public record Result(String test, double tokensPerSecond, double deviation) {}

  /** Runs prompts of {@code count} tokens. */
  public Result prefill(int count) {
    int[] tokens = tokens(count);
    return measure(
        "pp" + count,
        count,
        () -> {
          for (int at = 0; at < count; at += rank.maxTokens()) {
            rank.step(tokens, at, Math.min(rank.maxTokens(), count - at), at);
          }
          rank.logits();
        });
  }

  /** Runs {@code count} tokens one by one. */
  public Result decode(int count) {
    int[] tokens = tokens(count);
    return measure(
        "tg" + count,
        count,
        () -> {
          for (int at = 0; at < count; at++) {
            rank.step(tokens, at, 1, at);
            rank.logits();
          }
        });
  }

  private Result measure(String test, int tokens, Runnable run) {
    run.run();
    double[] speeds = new double[repetitions];
    double sum = 0;
    for (int i = 0; i < repetitions; i++) {
      long startNs = clockNs.getAsLong();
      run.run();
      double seconds = (clockNs.getAsLong() - startNs) / (double) TimeUnit.SECONDS.toNanos(1);
      speeds[i] = tokens / seconds;
      sum += speeds[i];
    }
    double mean = sum / repetitions;
    double squares = 0;
    for (double speed : speeds) {
      squares += (speed - mean) * (speed - mean);
    }
    return new Result(test, mean, repetitions == 1 ? 0 : Math.sqrt(squares / (repetitions - 1)));
  }

  private int[] tokens(int count) {
    return new Random(SEED).ints(count, 0, vocabularySize).toArray();
  }
}
