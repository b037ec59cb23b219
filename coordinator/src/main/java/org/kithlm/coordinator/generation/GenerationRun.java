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
 *
 * <p>One of the background leaves the stem to the chat: its texts are run in a branch, one after
 * another.
 */
final class GenerationRun {
  private PrefixCachingRank rank;
  private final GenerationJob job;
  private final int contextLength;
  private final int promptLength;
  private final List<Choice> choices;
  private final GenerationClock clock;
  private final StepRuns runs = new StepRuns();
  private int branchPoint; // of the background
  private boolean restored; // what the ranks' disks have
  private final int[] nextTokens = new int[StepRuns.MAX];

  /**
   * A generation that has not begun.
   *
   * @throws GenerationRefusedException if there is no room for it beside the chat
   */
  GenerationRun(PrefixCachingRank rank, Tokenizer tokenizer, int contextLength, GenerationJob job) {
    this.rank = rank;
    this.job = job;
    this.contextLength = contextLength;
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
   * @return whether it is over; otherwise it gave way and goes on after {@link #resume}
   * @throws RankFailedException if a step failed; it may go on after {@link #resume}
   */
  boolean run() {
    try {
      generate();
    } catch (RankFailedException e) {
      clock.pause(); // the rank will be closed
      throw e;
    } catch (RuntimeException | Error e) {
      clock.end();
      throw e;
    }
    if (isOver()) {
      clock.end();
      job.finish(clock.usage());
    } else if (job.isCancelled()) {
      clock.end();
      job.cancelled(clock.usage());
    } else {
      clock.pause();
      return false;
    }
    return true;
  }

  /**
   * Takes another rank 0 in the place of one that failed, or the same after others used it.
   *
   * @throws GenerationRefusedException if there is no room for it beside the chat any more
   */
  void resume(PrefixCachingRank next) {
    rank = next;
    placeChoices();
    clock.resume(next::statistics);
  }

  /** Of the first text the ranks may hold a part; the others begin where the prompt ends. */
  private void placeChoices() {
    restored = false;
    choices.forEach(choice -> choice.moveTo(promptLength));
    Choice first = choices.getFirst();
    if (job.isInteractive()) {
      first.moveTo(rank.cachedCount(Arrays.copyOf(first.tokens(), first.length())));
    } else {
      branchPoint = rank.branchPoint(job.request.prompt());
      first.moveTo(branchPoint);
      int room = rank.roomBeside(branchPoint, contextLength);
      choices.forEach(choice -> choice.limit(room));
    }
  }

  /** How many tokens the ranks have to run before all texts can go on. */
  int tokensToRun() {
    return choices.stream().mapToInt(choice -> Math.max(0, end(choice) - choice.position())).sum();
  }

  /** Ends it while it waits: it was cancelled. */
  void drop() {
    clock.end();
    job.cancelled(clock.usage());
  }

  /** Ends it with a failure. */
  void fail(String message) {
    clock.end();
    job.fail(message);
  }

  private boolean isOver() {
    return choices.stream().noneMatch(Choice::isLive);
  }

  /** Runs until all texts have ended, or the job is to stop. */
  private void generate() {
    if (!restored) {
      restore();
    }
    while (!isOver() && !isToStop()) {
      List<Choice> group = nextGroup();
      if (step(group)) {
        chooseTokens(group);
      }
    }
  }

  /** Has the chat's first text filled from the ranks' disks, as far as they have it. */
  private void restore() {
    Choice first = choices.getFirst();
    if (job.isInteractive() && end(first) - first.position() > 1) {
      first.moveTo(rank.restore(first.tokens(), end(first)));
      clock.held(Math.min(first.position(), promptLength));
    }
    restored = true;
  }

  /** Whether the job was cancelled or gives way; a step that is aborted for it is no failure. */
  private boolean isToStop() {
    return job.isCancelled() || job.givesWay();
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
    if (!job.isInteractive()) {
      return choices.stream().filter(Choice::isLive).limit(1).toList();
    }
    return choices.stream()
        .filter(Choice::isLive)
        .sorted(Comparator.comparingInt(Choice::length)) // where a step does not take all
        .limit(rank.maxTokens())
        .sorted(Comparator.comparingInt(Choice::index))
        .toList();
  }

  /** Runs the next tokens of texts; false if the step was aborted, as the job is to stop. */
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
    runs.wantLogits(isAnyDueAfter(group) ? job.request.wantedLogits() : 0);
    try {
      rank.step(tokens, offset, runs);
    } catch (RankFailedException e) {
      if (isToStop()) {
        return false; // the abort came through; the session goes on
      }
      throw e;
    }
    for (int run = 0; run < runs.count(); run++) {
      group.get(run).moveTo(runs.startPosition(run) + runs.tokenCount(run));
    }
    return true;
  }

  /** Whether a text gets a token after the step: the runs take a text of the group to its end. */
  private boolean isAnyDueAfter(List<Choice> group) {
    for (int run = 0; run < runs.count(); run++) {
      if (runs.startPosition(run) + runs.tokenCount(run) == end(group.get(run))) {
        return true;
      }
    }
    return false;
  }

  private void addRun(Choice choice, int count) {
    if (!job.isInteractive()) {
      runs.add(PrefixCachingRank.BESIDE, branchPoint, choice.position(), count);
      return;
    }
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
