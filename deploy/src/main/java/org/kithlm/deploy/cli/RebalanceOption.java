package org.kithlm.deploy.cli;

import java.util.Locale;
import picocli.CommandLine.Option;

/** The {@code --rebalance} option of commands that lead a cluster. */
final class RebalanceOption {
  /** When a device that joins gets work. */
  enum When {
    LAZY,
    EAGER;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Option(
      names = "--rebalance",
      paramLabel = "WHEN",
      converter = Choice.class,
      defaultValue = "lazy",
      description = {
        "When a device that joins gets work: lazy, after the answer under way, or eager: as soon"
            + " as",
        "it has its weights; the answer pauses and goes on with it (default: lazy)."
      })
  private When wanted = When.LAZY;

  boolean isEager() {
    return wanted == When.EAGER;
  }

  /** Its words. */
  static final class Choice extends WordConverter<When> {
    Choice() {
      super(When.values());
    }
  }
}
