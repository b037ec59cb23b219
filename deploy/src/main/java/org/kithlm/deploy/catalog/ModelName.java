package org.kithlm.deploy.catalog;

import java.util.Locale;
import java.util.regex.Pattern;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/** Names of models on this device, such as {@code smollm2:135m}. */
final class ModelName {
  private static final Pattern NAME =
      Pattern.compile("[a-z0-9][a-z0-9._-]{0,79}(:[a-z0-9][a-z0-9._-]{0,39})?");

  private ModelName() {}

  /**
   * The name itself.
   *
   * @throws KithException if it could not be a file name everywhere
   */
  static String check(String name) {
    if (!isName(name)) {
      throw new KithException(
          ExitCode.USAGE,
          "\"" + name + "\" is not a model name: a-z, 0-9, dot, dash, underscore, one colon");
    }
    return name;
  }

  /** Whether a model can be called so; paths and {@code hf:} sources cannot. */
  static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  /** The name that a GGUF file gets: the file name in lower case without its ending. */
  static String ofFile(String fileName) {
    String name =
        fileName
            .toLowerCase(Locale.ROOT)
            .replaceFirst("\\.gguf$", "")
            .replaceAll("[^a-z0-9._-]", "-")
            .replaceFirst("^[^a-z0-9]+", "");
    return check(name);
  }

  /** The folder of a model: Windows knows no colon in file names, and names know no plus. */
  static String folderName(String name) {
    return check(name).replace(':', '+');
  }

  /** The reverse of {@link #folderName}. */
  static String ofFolder(String folderName) {
    return folderName.replace('+', ':');
  }
}
