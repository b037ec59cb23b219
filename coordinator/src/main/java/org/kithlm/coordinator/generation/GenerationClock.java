package org.kithlm.coordinator.generation;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.RankStatistics;

/**
 * Measures one generation from its construction on. Written by the engine's thread; {@link #timing}
 * may be called from any while the rank is open, or the generation is paused or has ended.
 */
final class GenerationClock {
  /** A moment, and what rank 0 had used by then. */
  private record Mark(long ns, RankStatistics used) {}

  private static final int NONE = -1;

  private final int promptTokens;
  private volatile int cachedTokens;
  private volatile Supplier<RankStatistics> statistics;
  private final LongSupplier nanoTime;
  private final Mark start;
  private final AtomicInteger completionTokens = new AtomicInteger();
  private volatile @Nullable Mark firstToken;
  private volatile int firstTokens = NONE; // those that came with the first
  private volatile long lastTokenNs;
  private volatile @Nullable Mark end;

  /**
   * Starts.
   *
   * @param statistics of rank 0
   * @param nanoTime see {@link System#nanoTime}
   */
  GenerationClock(
      int promptTokens,
      int cachedTokens,
      Supplier<RankStatistics> statistics,
      LongSupplier nanoTime) {
    this.promptTokens = promptTokens;
    this.cachedTokens = cachedTokens;
    this.statistics = statistics;
    this.nanoTime = nanoTime;
    this.start = now();
  }

  /** So many tokens of the prompt are held before the first is chosen; later it has no meaning. */
  void held(int promptTokensHeld) {
    if (firstToken == null) {
      cachedTokens = promptTokensHeld;
    }
  }

  /** A token was chosen, be it the one that ends the turn. */
  void tokenChosen() {
    if (firstToken == null) {
      firstToken = now();
    }
    lastTokenNs = nanoTime.getAsLong();
  }

  /** The chosen token is part of the answer. */
  void tokenCounted() {
    completionTokens.incrementAndGet();
  }

  /** A token was chosen of each text that was due. */
  void roundEnded() {
    if (firstTokens == NONE) {
      firstTokens = completionTokens();
    }
  }

  int completionTokens() {
    return completionTokens.get();
  }

  /** The rank is lost and may be closed; time goes on, but nothing is used. */
  void pause() {
    RankStatistics last = statistics.get();
    statistics = () -> last;
  }

  /**
   * Goes on after a pause.
   *
   * @param next statistics of another rank 0
   */
  void resume(Supplier<RankStatistics> next) {
    RankStatistics before = statistics.get().since(next.get());
    statistics = () -> next.get().plus(before);
  }

  /** The generation is over, however it ended. */
  void end() {
    end = now();
  }

  GenerationListener.Usage usage() {
    Mark first = firstToken;
    return new GenerationListener.Usage(
        promptTokens,
        cachedTokens,
        completionTokens(),
        first == null ? 0 : msBetween(start, first),
        tokensPerSecond());
  }

  GenerationTiming timing() {
    Mark ended = end;
    Mark now = ended == null ? now() : ended;
    Mark first = firstToken;
    Mark prefilled = first == null ? now : first;
    GenerationTiming.State running =
        first == null ? GenerationTiming.State.PREFILL : GenerationTiming.State.DECODE;
    return new GenerationTiming(
        ended == null ? running : GenerationTiming.State.ENDED,
        promptTokens,
        cachedTokens,
        completionTokens(),
        msBetween(start, prefilled),
        tokensPerSecond(),
        GenerationTiming.Split.between(start.used(), prefilled.used()),
        GenerationTiming.Split.between(prefilled.used(), now.used()));
  }

  private double tokensPerSecond() {
    Mark first = firstToken;
    int decoded = firstTokens == NONE ? 0 : completionTokens() - firstTokens;
    double seconds = first == null ? 0 : (lastTokenNs - first.ns()) / 1e9;
    return decoded <= 0 || seconds <= 0 ? 0 : decoded / seconds;
  }

  private Mark now() {
    return new Mark(nanoTime.getAsLong(), statistics.get());
  }

  private static double msBetween(Mark earlier, Mark later) {
    return (later.ns() - earlier.ns()) / 1e6;
  }
}
