package org.kithlm.coordinator.generation;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.constraint.ThinkingBudget;
import org.kithlm.model.constraint.TokenConstraint;
import org.kithlm.model.sampling.Sampler;
import org.kithlm.model.sampling.TokenFilter;
import org.kithlm.model.tokenizer.StreamingDetokenizer;
import org.kithlm.model.tokenizer.Tokenizer;

/**
 * One text of an answer: its tokens, what chooses the next, and how far the ranks have run it. Runs
 * on the engine's thread.
 */
final class Choice {
  private final int index;
  private final Tokenizer tokenizer;
  private int contextLength;
  private final GenerationRequest request;
  private final GenerationJob job;
  private final Sampler sampler;
  private final StreamingDetokenizer detokenizer;
  private final StopStrings stops;
  private final @Nullable TokenConstraint constraint;
  private final @Nullable ThinkingBudget thinking;
  private int[] tokens; // prompt and text
  private int length; // how many there are
  private int position; // how many of them the ranks have run
  private boolean ended;

  Choice(int index, Tokenizer tokenizer, int contextLength, GenerationJob job) {
    this.index = index;
    this.tokenizer = tokenizer;
    this.contextLength = contextLength;
    this.job = job;
    request = job.request;
    sampler = new Sampler(request.sampling().withSeed(request.sampling().seed() + index));
    detokenizer = new StreamingDetokenizer(tokenizer);
    stops = new StopStrings(request.stops());
    constraint =
        request.grammar() == null ? null : new TokenConstraint(request.grammar(), tokenizer);
    thinking =
        request.thinkingTokens() == null
            ? null
            : ThinkingBudget.of(tokenizer, request.prompt(), request.thinkingTokens());
    length = request.prompt().length;
    tokens = Arrays.copyOf(request.prompt(), length + 64);
  }

  /** Its number, which is also that of the sequence that it is run in. */
  int index() {
    return index;
  }

  /** Prompt and text; the array may be longer than {@link #length}. */
  int[] tokens() {
    return tokens;
  }

  int length() {
    return length;
  }

  /** How many of its tokens the ranks have run. */
  int position() {
    return position;
  }

  /** Tells how many of its tokens the ranks have run. */
  void moveTo(int newPosition) {
    position = newPosition;
  }

  /**
   * Bounds the prompt and text anew, and ends the text if it is as long already.
   *
   * @throws GenerationRefusedException if there is no room for a token
   */
  void limit(int room) {
    contextLength = room;
    if (isLive() && length >= room) {
      if (length == request.prompt().length) {
        throw new GenerationRefusedException(
            GenerationRefusedException.Reason.NOT_READY,
            "the prompt has %d tokens, but beside the chat there is room for %d; ask without service_tier flex"
                .formatted(length, Math.max(0, room - 1)));
      }
      end(FinishReason.LENGTH);
    }
  }

  /** Whether it goes on. */
  boolean isLive() {
    return !ended;
  }

  /** Whether the ranks have run all of it, so that its next token can be chosen. */
  boolean isDue() {
    return !ended && position == length;
  }

  /** Chooses its next token, and ends it where that is the last one. */
  void choose(float[] logits, GenerationClock clock) {
    FinishReason reason = chooseToken(logits, clock);
    if (reason != null) {
      end(reason);
    }
  }

  void end(FinishReason reason) {
    ended = true;
    job.end(index, reason, stops.accept(detokenizer.flush()) + stops.flush());
  }

  private @Nullable FinishReason chooseToken(float[] logits, GenerationClock clock) {
    int made = length - request.prompt().length;
    if (constraint != null) {
      constraint.limit(Math.min(request.maxTokens() - made, contextLength - length));
    }
    TokenFilter filter = thinking == null ? constraint : thinking.filter(constraint);
    Sampler.Choice choice =
        sampler.choose(
            logits, tokens, request.prompt().length, length, request.topLogprobs(), filter);
    clock.tokenChosen();
    int token = choice.token();
    if (tokenizer.isEndOfGeneration(token)) {
      return FinishReason.STOP;
    }
    clock.tokenCounted();
    if (constraint != null) {
      constraint.accept(token);
    }
    if (thinking != null) {
      thinking.accept(token);
    }
    String text = stops.accept(detokenizer.accept(token));
    job.tell(
        index,
        new GenerationListener.Token(
            token,
            text,
            request.logprobs() ? choice.logprob() : Float.NaN,
            choice.top().stream()
                .map(top -> new GenerationListener.Candidate(top.token(), top.logprob()))
                .toList()));
    if (stops.isMatched() || (constraint != null && constraint.isFinal())) {
      return FinishReason.STOP;
    }
    if (made + 1 == request.maxTokens() || length + 1 >= contextLength) {
      // A constraint has made it whole in time, if that was possible.
      return constraint != null && constraint.isComplete()
          ? FinishReason.STOP
          : FinishReason.LENGTH;
    }
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.min(contextLength, tokens.length * 2));
    }
    tokens[length++] = token;
    return null;
  }
}
