package org.kithlm.deploy.cli;

import java.util.List;
import java.util.Locale;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.KithHome;
import org.kithlm.model.kernel.KernelChoice;
import org.kithlm.model.kernel.KernelChoice.Wish;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** {@code --kernels}, for the commands that compute. */
final class KernelsOption {
  @Option(
      names = "--kernels",
      paramLabel = "KIND",
      converter = Kind.class,
      description = {
        "What multiplies matrices: java, native (what kith doctor --build-native has built), or"
            + " auto,",
        "which is native where that was built and works (default: auto). Answers are the same."
      })
  private Wish wanted = Wish.AUTO;

  /** As it was typed. */
  String text() {
    return wanted.name().toLowerCase(Locale.ROOT);
  }

  /**
   * Chooses for this process, before it makes any matrix.
   *
   * @throws KithException if what is wanted cannot be had
   */
  KernelChoice choose(KithHome home) {
    try {
      return KernelChoice.make(wanted, home.nativeFolder());
    } catch (IllegalStateException e) {
      throw new KithException(ExitCode.OTHER, "--kernels native: " + e.getMessage(), e);
    }
  }

  /** Takes the kinds in lower case. */
  static final class Kind implements ITypeConverter<Wish> {
    @Override
    public Wish convert(String text) {
      for (Wish wish : Wish.values()) {
        if (wish.name().toLowerCase(Locale.ROOT).equals(text)) {
          return wish;
        }
      }
      throw new TypeConversionException(
          "'" + text + "' is not one of " + List.of("auto", "java", "native"));
    }
  }
}
