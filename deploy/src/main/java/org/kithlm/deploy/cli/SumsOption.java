package org.kithlm.deploy.cli;

import java.util.List;
import org.kithlm.node.control.SumPrecision;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** {@code --sums}, for the commands that lead a cluster. */
final class SumsOption {
  @Option(
      names = "--sums",
      paramLabel = "PRECISION",
      converter = Choice.class,
      defaultValue = "exact",
      description = {
        "What ranks send of what each has computed: exact (answers do not depend on the number of",
        "ranks), f32, bf16 or q8 (2/3, 1/3 and 1/6 of the bytes, for links that are slow at long",
        "prompts; answers may differ); default: exact."
      })
  private SumPrecision precision = SumPrecision.EXACT;

  SumPrecision precision() {
    return precision;
  }

  /** Takes the choices as they are shown, where picocli would offer each twice. */
  static final class Choice implements ITypeConverter<SumPrecision> {
    @Override
    public SumPrecision convert(String text) {
      List<SumPrecision> choices = List.of(SumPrecision.values());
      return choices.stream()
          .filter(choice -> choice.toString().equals(text))
          .findFirst()
          .orElseThrow(
              () -> new TypeConversionException("'" + text + "' is not one of " + choices));
    }
  }
}
