package org.kithlm.deploy.cli;

import org.kithlm.model.shard.HeadPlacement;
import picocli.CommandLine.Option;

/** {@code --head}, for the commands that lead a cluster. */
final class HeadOption {
  @Option(
      names = "--head",
      paramLabel = "PLACE",
      converter = Choice.class,
      defaultValue = "root",
      description = {
        "Who has the output head: root (this process alone, so that no other learns which tokens",
        "are likely), split (each rank some of its rows: faster, and less memory here). Default:",
        "root. The answers are the same."
      })
  private HeadPlacement placement = HeadPlacement.ROOT;

  HeadPlacement placement() {
    return placement;
  }

  /** Its words. */
  static final class Choice extends WordConverter<HeadPlacement> {
    Choice() {
      super(HeadPlacement.values());
    }
  }
}
