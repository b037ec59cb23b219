package org.kithlm.coordinator.generation;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.constraint.TokenConstraint;
import org.kithlm.model.sampling.Sampler;
import org.kithlm.model.tokenizer.StreamingDetokenizer;
import org.kithlm.model.tokenizer.Tokenizer;

/**
 * One generation from prefill to its end. When its ranks are lost it can go on with others: they
 * run the prompt and the answer so far, and sampler, stop strings and text stay as they were. Runs
 * on the engine's thread.
 */
final class GenerationRun {
  private PrefixCachingRank rank;
  private final Tokenizer tokenizer;
  private final int contextLength;
  private final GenerationJob job;
  private final GenerationRequest request;
  private final Sampler sampler;
  private final StreamingDetokenizer detokenizer;
  private final StopStrings stops;
  private final @Nullable TokenConstraint constraint;
  private final GenerationClock clock;
  private int[] tokens; // prompt and answer
  private int length; // how many there are
  private int position; // how many of them the ranks have run

  GenerationRun(PrefixCachingRank rank, Tokenizer tokenizer, int contextLength, GenerationJob job) {
    this.rank = rank;
    this.tokenizer = tokenizer;
    this.contextLength = contextLength;
    this.job = job;
    this.request = job.request;
    this.sampler = new Sampler(request.sampling());
    this.detokenizer = new StreamingDetokenizer(tokenizer);
    this.stops = new StopStrings(request.stops());
    this.constraint =
        request.grammar() == null ? null : new TokenConstraint(request.grammar(), tokenizer);
    this.tokens = Arrays.copyOf(request.prompt(), request.prompt().length + 64);
    this.length = request.prompt().length;
    this.position = rank.cachedCount(request.prompt());
    this.clock =
        new GenerationClock(request.prompt().length, position, rank::statistics, System::nanoTime);
  }

  /** Tells how it does. */
  GenerationClock clock() {
    return clock;
  }

  /**
   * Tells the listener all but failures, which are thrown.
   *
   * @return whether it is over; otherwise it gave way and goes on after {@link #resume}
   * @throws RankFailedException if a step failed; it may go on after {@link #resume}
   */
  boolean run() {
    @Nullable FinishReason reason;
    try {
      reason = generate();
    } catch (RankFailedException e) {
      clock.pause(); // the rank will be closed
      throw e;
    } catch (RuntimeException | Error e) {
      clock.end();
      throw e;
    }
    if (reason == null) {
      clock.pause();
      return false;
    }
    clock.end();
    String tail = reason == FinishReason.CANCELLED ? "" : lastText();
    job.finish(reason, tail, clock.usage());
    return true;
  }

  /** Takes another rank 0 in the place of one that failed, or the same after others used it. */
  void resume(PrefixCachingRank next) {
    rank = next;
    position = next.cachedCount(Arrays.copyOf(tokens, length));
    clock.resume(next::statistics);
  }

  /** How many tokens the ranks have to run before the next can be chosen. */
  int tokensToRun() {
    return length - position;
  }

  /** Ends it while it waits: it was cancelled. */
  void drop() {
    clock.end();
    job.finish(FinishReason.CANCELLED, "", clock.usage());
  }

  /** Ends it with a failure. */
  void fail(String message) {
    clock.end();
    job.fail(message);
  }

  /** Runs until it is over, or null where it gives way. */
  private @Nullable FinishReason generate() {
    while (true) {
      while (position < length) {
        if (job.isCancelled()) {
          return FinishReason.CANCELLED;
        }
        if (job.givesWay()) {
          return null;
        }
        step(Math.min(rank.maxTokens(), length - position));
      }
      FinishReason reason = chooseToken();
      if (reason != null) {
        return reason;
      }
    }
  }

  /** Runs the next tokens, unless the step is aborted to end this run. */
  private void step(int count) {
    try {
      rank.step(tokens, position, position + count);
    } catch (RankFailedException e) {
      if (job.isCancelled() || job.givesWay()) {
        return; // the abort came through; the session goes on
      }
      throw e;
    }
    position += count;
  }

  private @Nullable FinishReason chooseToken() {
    if (constraint != null) {
      constraint.limit(
          Math.min(request.maxTokens() - clock.completionTokens(), contextLength - position));
    }
    Sampler.Choice choice =
        sampler.choose(
            rank.logits(),
            tokens,
            request.prompt().length,
            position,
            request.topLogprobs(),
            constraint);
    clock.tokenChosen();
    int token = choice.token();
    if (tokenizer.isEndOfGeneration(token)) {
      return FinishReason.STOP;
    }
    clock.tokenCounted();
    if (constraint != null) {
      constraint.accept(token);
    }
    String text = stops.accept(detokenizer.accept(token));
    job.tell(
        new GenerationListener.Token(
            token,
            text,
            choice.logprob(),
            choice.top().stream()
                .map(top -> new GenerationListener.Candidate(top.token(), top.logprob()))
                .toList()));
    if (stops.isMatched() || (constraint != null && constraint.isFinal())) {
      return FinishReason.STOP;
    }
    if (clock.completionTokens() == request.maxTokens() || position + 1 >= contextLength) {
      // A constraint has made it whole in time, if that was possible.
      return constraint != null && constraint.isComplete()
          ? FinishReason.STOP
          : FinishReason.LENGTH;
    }
    if (position == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.min(contextLength, tokens.length * 2));
    }
    tokens[length++] = token;
    return null;
  }

  private String lastText() {
    return stops.accept(detokenizer.flush()) + stops.flush();
  }
}
