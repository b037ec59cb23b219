package org.kithlm.deploy.cli;

import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

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

  /** Takes the choices as they are shown, where picocli would offer each twice. */
  static final class Choice implements ITypeConverter<When> {
    @Override
    public When convert(String text) {
      List<When> choices = List.of(When.values());
      return choices.stream()
          .filter(choice -> choice.toString().equals(text))
          .findFirst()
          .orElseThrow(
              () -> new TypeConversionException("'" + text + "' is not one of " + choices));
    }
  }
}
