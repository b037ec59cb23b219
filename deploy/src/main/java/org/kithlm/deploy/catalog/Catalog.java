package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.kithlm.deploy.Json;

/**
 * The models that can be pulled by a short name. A source only counts when its file has the entry's
 * SHA-256, so a source that changed, or holds another quantization, is passed over. No hub is
 * listed for gemma3:270m, as none is known to have this very file.
 *
 * @param models in the order to show them
 */
public record Catalog(List<Entry> models) {

  /**
   * A model.
   *
   * @param name what the user types
   * @param description model and quantization
   * @param sha256 of the GGUF, lower-case hexadecimal
   * @param ggufBytes its length
   * @param sources where to get it, best first, as {@code kith pull} takes them
   */
  public record Entry(
      String name, String description, String sha256, long ggufBytes, List<String> sources) {
    /** Copies the list. */
    public Entry {
      sources = List.copyOf(sources);
    }
  }

  /** Copies the list. */
  public Catalog {
    models = List.copyOf(models);
  }

  /** The catalog that this build carries. */
  public static Catalog load() {
    try (InputStream resource =
        Objects.requireNonNull(Catalog.class.getResourceAsStream("catalog.json"))) {
      return Json.MAPPER.readValue(resource, Catalog.class);
    } catch (IOException e) {
      throw new UncheckedIOException("the catalog of this build is damaged", e);
    }
  }

  /** The model with a name. */
  public Optional<Entry> find(String name) {
    return models.stream().filter(entry -> entry.name().equals(name)).findFirst();
  }

  /** All names, for messages. */
  public String names() {
    return String.join(", ", models.stream().map(Entry::name).toList());
  }
}
