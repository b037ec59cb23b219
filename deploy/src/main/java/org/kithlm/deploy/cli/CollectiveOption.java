package org.kithlm.deploy.cli;

import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.CollectiveChoice;
import picocli.CommandLine.Option;

/** {@code --collective}, for the commands that lead a cluster. */
final class CollectiveOption {
  @Option(
      names = "--collective",
      paramLabel = "FORM",
      converter = Choice.class,
      description = {
        "How ranks add up what each has computed: star (through this machine), direct (each to"
            + " all,",
        "one hop: faster where links are slow to answer), two-shot (each adds a part: faster where",
        "they are thin), auto (measures the links and picks for each payload; star where two nodes",
        "do not reach each other), shared-memory (for ranks on one machine); default:"
            + " shared-memory",
        "where all ranks are on this machine, else auto."
      })
  private @Nullable CollectiveChoice wanted;

  /**
   * The user's choice. Without one it is what was measured to be fastest on one machine, and
   * elsewhere what is measured to be.
   *
   * @param onOneMachine whether all ranks are here
   */
  CollectiveChoice choice(boolean onOneMachine) {
    if (wanted != null) {
      return wanted;
    }
    return onOneMachine ? CollectiveChoice.SHARED_MEMORY : CollectiveChoice.AUTO;
  }

  /** Its words. */
  static final class Choice extends WordConverter<CollectiveChoice> {
    Choice() {
      super(CollectiveChoice.values());
    }
  }
}
