package org.kithlm.coordinator.generation;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.sampling.Sampler;
import org.kithlm.model.tokenizer.StreamingDetokenizer;
import org.kithlm.model.tokenizer.Tokenizer;

/** One generation from prefill to its end. Runs on the engine's thread. */
final class GenerationRun {
  private final PrefixCachingRank rank;
  private final Tokenizer tokenizer;
  private final int contextLength;
  private final GenerationJob job;
  private final GenerationRequest request;
  private final Sampler sampler;
  private final StreamingDetokenizer detokenizer;
  private final StopStrings stops;
  private final GenerationClock clock;
  private int[] tokens; // prompt and answer
  private int position; // how many of them have been run

  GenerationRun(PrefixCachingRank rank, Tokenizer tokenizer, int contextLength, GenerationJob job) {
    this.rank = rank;
    this.tokenizer = tokenizer;
    this.contextLength = contextLength;
    this.job = job;
    this.request = job.request;
    this.sampler = new Sampler(request.sampling());
    this.detokenizer = new StreamingDetokenizer(tokenizer);
    this.stops = new StopStrings(request.stops());
    this.tokens = Arrays.copyOf(request.prompt(), request.prompt().length + 64);
    this.position = rank.cachedCount(request.prompt());
    this.clock =
        new GenerationClock(request.prompt().length, position, rank::statistics, System::nanoTime);
  }

  /** Tells how it does. */
  GenerationClock clock() {
    return clock;
  }

  /** Tells the listener all but failures, which are thrown. */
  void run() {
    FinishReason reason;
    try {
      reason = generate();
    } finally {
      clock.end();
    }
    String tail = reason == FinishReason.CANCELLED ? "" : lastText();
    job.finish(reason, tail, clock.usage());
  }

  private FinishReason generate() {
    if (!prefill()) {
      return FinishReason.CANCELLED;
    }
    while (true) {
      FinishReason reason = chooseToken();
      if (reason != null) {
        return reason;
      }
      if (!step(1)) {
        return FinishReason.CANCELLED;
      }
    }
  }

  private boolean prefill() {
    int length = request.prompt().length;
    while (position < length) {
      if (!step(Math.min(rank.maxTokens(), length - position))) {
        return false;
      }
    }
    return true;
  }

  /** Runs the next tokens; false if the job was cancelled. */
  private boolean step(int count) {
    if (job.isCancelled()) {
      return false;
    }
    try {
      rank.step(tokens, position, position + count);
    } catch (RankFailedException e) {
      if (job.isCancelled()) {
        return false; // the abort came through; the session goes on
      }
      throw e;
    }
    position += count;
    return true;
  }

  private @Nullable FinishReason chooseToken() {
    Sampler.Choice choice =
        sampler.choose(
            rank.logits(), tokens, request.prompt().length, position, request.topLogprobs());
    clock.tokenChosen();
    int token = choice.token();
    if (tokenizer.isEndOfGeneration(token)) {
      return FinishReason.STOP;
    }
    clock.tokenCounted();
    String text = stops.accept(detokenizer.accept(token));
    job.tell(
        new GenerationListener.Token(
            token,
            text,
            choice.logprob(),
            choice.top().stream()
                .map(top -> new GenerationListener.Candidate(top.token(), top.logprob()))
                .toList()));
    if (stops.isMatched()) {
      return FinishReason.STOP;
    }
    if (clock.completionTokens() == request.maxTokens() || position + 1 >= contextLength) {
      return FinishReason.LENGTH;
    }
    if (position == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.min(contextLength, tokens.length * 2));
    }
    tokens[position] = token;
    return null;
  }

  private String lastText() {
    return stops.accept(detokenizer.flush()) + stops.flush();
  }
}
