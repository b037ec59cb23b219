package org.kithlm.deploy.cli;

import org.kithlm.node.control.SumPrecision;
import picocli.CommandLine.Option;

/** {@code --sums}, for the commands that lead a cluster. */
final class SumsOption {
  @Option(
      names = "--sums",
      paramLabel = "PRECISION",
      converter = Choice.class,
      defaultValue = "exact",
      description = {
        "What ranks send of what each has computed: exact (answers do not depend on the number of",
        "ranks; some 2.4 bytes a number), f32, bf16 or q8 (4, 2 and 1.1 bytes; answers may",
        "differ); default: exact."
      })
  private SumPrecision precision = SumPrecision.EXACT;

  SumPrecision precision() {
    return precision;
  }

  /** Its words. */
  static final class Choice extends WordConverter<SumPrecision> {
    Choice() {
      super(SumPrecision.values());
    }
  }
}
