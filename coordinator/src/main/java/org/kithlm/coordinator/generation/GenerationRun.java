package org.kithlm.coordinator.generation;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.kithlm.model.tokenizer.Tokenizer;
import org.kithlm.model.transformer.StepRuns;

/**
 * One generation from prefill to its end. Its texts share the prompt, which the ranks run once, and
 * take a token each in a step; the first is run in the stem, the others in branches. When its ranks
 * are lost it can go on with others: they run the prompt and the texts so far, and samplers, stop
 * strings and text stay as they were. Runs on the engine's thread.
 */
final class GenerationRun {
  private PrefixCachingRank rank;
  private final GenerationJob job;
  private final int promptLength;
  private final List<Choice> choices;
  private final GenerationClock clock;
  private final StepRuns runs = new StepRuns();
  private final int[] nextTokens = new int[StepRuns.MAX];

  GenerationRun(PrefixCachingRank rank, Tokenizer tokenizer, int contextLength, GenerationJob job) {
    this.rank = rank;
    this.job = job;
    promptLength = job.request.prompt().length;
    choices =
        IntStream.range(0, job.request.choices().count())
            .mapToObj(index -> new Choice(index, tokenizer, contextLength, job))
            .toList();
    placeChoices();
    clock =
        new GenerationClock(
            promptLength, choices.getFirst().position(), rank::statistics, System::nanoTime);
  }

  /** Tells how it does. */
  GenerationClock clock() {
    return clock;
  }

  /**
   * Tells the listener all but failures, which are thrown.
   *
   * @throws RankFailedException if a step failed; it may go on after {@link #resume}
   */
  void run() {
    boolean whole;
    try {
      whole = generate();
    } catch (RankFailedException e) {
      clock.pause(); // the rank will be closed
      throw e;
    } catch (RuntimeException | Error e) {
      clock.end();
      throw e;
    }
    clock.end();
    if (whole) {
      job.finish(clock.usage());
    } else {
      job.cancelled(clock.usage());
    }
  }

  /** Takes another rank 0 in the place of one that failed. */
  void resume(PrefixCachingRank next) {
    rank = next;
    placeChoices();
    clock.resume(next::statistics);
  }

  /** Of the first text the ranks may hold a part; the others begin where the prompt ends. */
  private void placeChoices() {
    choices.forEach(choice -> choice.moveTo(promptLength));
    Choice first = choices.getFirst();
    first.moveTo(rank.cachedCount(Arrays.copyOf(first.tokens(), first.length())));
  }

  /** How many tokens the ranks have to run before all texts can go on. */
  int tokensToRun() {
    return choices.stream().mapToInt(choice -> Math.max(0, end(choice) - choice.position())).sum();
  }

  /** Ends it while it has no rank to run on: it was cancelled. */
  void drop() {
    clock.end();
    job.cancelled(clock.usage());
  }

  /** Ends it with a failure. */
  void fail(String message) {
    clock.end();
    job.fail(message);
  }

  /** Whether all texts ended by themselves; else the job was cancelled. */
  private boolean generate() {
    while (choices.stream().anyMatch(Choice::isLive)) {
      if (job.isCancelled()) {
        return false;
      }
      List<Choice> group = nextGroup();
      if (step(group)) {
        chooseTokens(group);
      }
    }
    return true;
  }

  /** Where the ranks must get in a text: of one that is over only its prompt is of use. */
  private int end(Choice choice) {
    return choice.isLive() ? choice.length() : promptLength;
  }

  /** What to run next: a text that the ranks do not know yet, or a token of each. */
  private List<Choice> nextGroup() {
    for (Choice choice : choices) {
      boolean lacksPrompt = choice.position() < promptLength;
      if (lacksPrompt || (choice.isLive() && choice.length() - choice.position() > 1)) {
        return List.of(choice);
      }
    }
    return choices.stream()
        .filter(Choice::isLive)
        .sorted(Comparator.comparingInt(Choice::length)) // where a step does not take all
        .limit(rank.maxTokens())
        .sorted(Comparator.comparingInt(Choice::index))
        .toList();
  }

  /** Runs the next tokens of texts; false if the step was aborted, as the job is cancelled. */
  private boolean step(List<Choice> group) {
    int[] tokens = nextTokens;
    int offset = 0;
    runs.clear();
    if (group.size() == 1) {
      Choice only = group.getFirst();
      tokens = only.tokens();
      offset = only.position();
      addRun(only, Math.min(rank.maxTokens(), end(only) - only.position()));
    } else {
      for (Choice choice : group) {
        nextTokens[runs.count()] = choice.tokens()[choice.position()];
        addRun(choice, 1);
      }
    }
    try {
      rank.step(tokens, offset, runs);
    } catch (RankFailedException e) {
      if (job.isCancelled()) {
        return false; // the abort came through; the session goes on
      }
      throw e;
    }
    for (int run = 0; run < runs.count(); run++) {
      group.get(run).moveTo(runs.startPosition(run) + runs.tokenCount(run));
    }
    return true;
  }

  private void addRun(Choice choice, int count) {
    boolean isBranch = choice.index() != StepRuns.STEM;
    boolean keepsBranches =
        choice.position() >= promptLength
            && choices.stream().anyMatch(other -> other != choice && other.isLive());
    int stemLength = isBranch || keepsBranches ? promptLength : 0;
    runs.add(choice.index(), stemLength, choice.position(), count);
  }

  /** The texts whose tokens are all run: those of the step, and once the prompt is run, all. */
  private void chooseTokens(List<Choice> group) {
    if (choices.getFirst().position() < promptLength) {
      return;
    }
    boolean chosen = false;
    for (Choice choice : choices) {
      if (choice.isDue()) {
        choice.choose(rank.logits(Math.max(0, group.indexOf(choice))), clock);
        chosen = true;
        if (!choice.isLive() && job.request.choices().firstFinish()) {
          abandonOthers();
        }
      }
    }
    if (chosen) {
      clock.roundEnded();
    }
  }

  private void abandonOthers() {
    choices.stream().filter(Choice::isLive).forEach(other -> other.end(FinishReason.ABANDONED));
  }
}
