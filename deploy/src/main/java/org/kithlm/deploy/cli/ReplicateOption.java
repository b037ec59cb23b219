package org.kithlm.deploy.cli;

import java.util.List;
import org.kithlm.coordinator.membership.Replication;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

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

  /** Takes the choices as they are shown, where picocli would offer each twice. */
  static final class Choice implements ITypeConverter<Replication> {
    @Override
    public Replication convert(String text) {
      List<Replication> choices = List.of(Replication.values());
      return choices.stream()
          .filter(choice -> choice.toString().equals(text))
          .findFirst()
          .orElseThrow(
              () -> new TypeConversionException("'" + text + "' is not one of " + choices));
    }
  }
}
