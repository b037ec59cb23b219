package org.kithlm.deploy.cli;

import org.kithlm.coordinator.membership.Replication;
import picocli.CommandLine.Option;

/** The {@code --replicate} option of commands that lead a cluster. */
final class ReplicateOption {
  @Option(
      names = "--replicate",
      paramLabel = "WHAT",
      converter = Choice.class,
      defaultValue = "none",
      description = {
        "Weights that nodes fetch to their disks beside their own, while nothing is computed,",
        "so that nothing is left to fetch when one is lost: full, neighbour (the shares of the",
        "ranks before and after), or none (default: none)."
      })
  private Replication wanted = Replication.NONE;

  Replication wanted() {
    return wanted;
  }

  /** Its words. */
  static final class Choice extends WordConverter<Replication> {
    Choice() {
      super(Replication.values());
    }
  }
}
