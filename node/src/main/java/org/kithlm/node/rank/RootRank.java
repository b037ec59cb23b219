package org.kithlm.node.rank;

import java.time.Duration;
import java.util.List;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;

/**
 * Rank 0: turns tokens into logits, with the help of the leaves. One thread owns it; {@link
 * #abort}, {@link #fail}, {@link #statistics} and {@link #dataPort} may be called from any.
 */
public interface RootRank extends AutoCloseable {
  /**
   * Time for processes that are all new to warm up. A JVM property is for who would rather have a
   * slower first answer sooner.
   */
  Duration LONGEST_WARM_UP = Duration.ofSeconds(Integer.getInteger("kith.warmUpSeconds", 20));

  /** UDP port that its data plane listens at. */
  int dataPort();

  /**
   * Waits for all leaves, warms the kernels of all ranks up and has links measured where the form
   * of sums depends on them.
   *
   * @param peers all ranks in rank order
   * @param warmUp how long warming up may take, zero for not at all
   * @return how sums are formed from now on
   * @throws RuntimeException if one is missing after the connect timeout; the message names it
   */
  CollectiveReport connect(List<NodeMessage.Peer> peers, Duration warmUp);

  /** Most tokens in one {@link #step}; fewer once connected, if another rank's heap is smaller. */
  int maxTokens();

  /**
   * Runs tokens through all layers on all ranks; their keys and values are kept at their positions.
   * Ends with the logits that are wanted.
   *
   * @param tokens holds the token ids
   * @param offset first one to run
   * @param runs where they belong, 1 to {@link #maxTokens} in all; all earlier positions must have
   *     been run
   * @throws RuntimeException if the step was aborted or a rank is lost; the message names it. After
   *     an abort the next step of a sequence may start where this one does at most: some ranks may
   *     have finished this one, others have not.
   */
  void step(int[] tokens, int offset, StepRuns runs);

  /** Runs consecutive tokens of the stem, as {@link #step(int[], int, StepRuns)} does. */
  default void step(int[] tokens, int offset, int count, int startPosition) {
    step(tokens, offset, new StepRuns().addStem(startPosition, count));
  }

  /**
   * Fills the stem from the disks of all ranks, as far as all have what belongs to a text; its last
   * token is left to {@link #step}. Drops branches, and what the stem holds beyond {@code held}.
   *
   * @param tokens begins with the text
   * @param length of the text
   * @param held how many of the text's tokens the stem holds
   * @return how many it holds now; {@code held} where nothing is kept on disks
   * @throws RuntimeException if a rank is lost; the message names it
   */
  default int restore(int[] tokens, int length, int held) {
    return held;
  }

  /**
   * Lets ranks keep on their disks what the stem holds, where they do so. Returns soon.
   *
   * @param tokens begins with those of the stem
   * @param length of the stem
   * @throws RuntimeException if a rank is lost; the message names it
   */
  default void keep(int[] tokens, int length) {}

  /**
   * Logits after the last token of a run of the last step.
   *
   * @return one for each token of the vocabulary, in an array that the next step or call fills
   *     anew; -Infinity for some that are less likely than as many as were wanted
   * @throws IllegalStateException if that step was to give none
   */
  float[] logits(int run);

  /** Logits after the last step's only run. */
  default float[] logits() {
    return logits(0);
  }

  /** Moves frames while there is nothing to do; about once a second. */
  void keepAlive();

  /** Ends the step under way, if any, within one layer: it throws. */
  void abort();

  /** Ends the session: the owner's current or next call throws {@code cause}. */
  void fail(RuntimeException cause);

  /** What this rank has used so far. */
  RankStatistics statistics();

  /** Ends the session and frees the weights. */
  @Override
  void close();
}
