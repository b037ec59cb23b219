package org.kithlm.deploy.cli;

import org.kithlm.coordinator.membership.AttentionChoice;
import picocli.CommandLine.Option;

/** {@code --attention}, for the commands that lead a cluster. */
final class AttentionOption {
  @Option(
      names = "--attention",
      paramLabel = "PLACE",
      converter = Choice.class,
      defaultValue = "auto",
      description = {
        "Who computes attention: split (each rank its heads), replicated (each rank all, which",
        "halves the sums, and takes more arithmetic and memory on each), auto (replicated where",
        "it is measured to pay: needs --collective auto; default: auto). The answers are the same."
      })
  private AttentionChoice wanted = AttentionChoice.AUTO;

  AttentionChoice wanted() {
    return wanted;
  }

  /** Its words. */
  static final class Choice extends WordConverter<AttentionChoice> {
    Choice() {
      super(AttentionChoice.values());
    }
  }
}
