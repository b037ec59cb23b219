package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.KithHome;

/**
 * The models under {@code $KITH_HOME/models}, a folder each: {@code model.json} and {@code
 * model.pack}, and while a pull has not ended what it has fetched.
 */
public final class ModelStore {
  private static final String FACTS = "model.json";
  private static final String PACK = "model.pack";
  private static final String GGUF = "model.gguf";

  private final KithHome home;

  /** The store of a user. */
  public ModelStore(KithHome home) {
    this.home = home;
  }

  /** The folder of a model, which need not exist. */
  public Path folder(String name) {
    return home.subfolder("models").resolve(ModelName.folderName(name));
  }

  /** The folder of a model, made where it is missing. */
  Path makeFolder(String name) {
    return home.subfolder("models/" + ModelName.folderName(name));
  }

  /** The pack of a model that is ready. */
  public Path pack(String name) {
    return folder(name).resolve(PACK);
  }

  /** The GGUF of a model, where it was kept. */
  Path gguf(String name) {
    return folder(name).resolve(GGUF);
  }

  /** The lock that guards changes of a model. */
  ModelLock lock(String name) throws IOException {
    return ModelLock.take(
        home.subfolder("locks").resolve(ModelName.folderName(name) + ".lock"), name);
  }

  /** A model that is ready; none for a text that cannot be a name. */
  public Optional<StoredModel> find(String name) throws IOException {
    if (!ModelName.isName(name)) {
      return Optional.empty();
    }
    Path facts = folder(name).resolve(FACTS);
    if (!Files.exists(facts) || !Files.exists(pack(name))) {
      return Optional.empty();
    }
    return Optional.of(Json.MAPPER.readValue(facts.toFile(), StoredModel.class));
  }

  /**
   * A model that is ready.
   *
   * @throws KithException if there is none of that name; the message lists the others
   */
  public StoredModel require(String name) throws IOException {
    return find(name).orElseThrow(() -> unknown(name));
  }

  /** Makes a model known, when its pack is in place. */
  void add(StoredModel model) throws IOException {
    Path temporary = folder(model.name()).resolve(FACTS + ".tmp");
    Json.MAPPER.writeValue(temporary.toFile(), model);
    Files.move(temporary, folder(model.name()).resolve(FACTS), StandardCopyOption.REPLACE_EXISTING);
  }

  /** Models that are ready, by name. */
  public List<StoredModel> models() throws IOException {
    List<StoredModel> models = new ArrayList<>();
    for (String name : names()) {
      find(name).ifPresent(models::add);
    }
    return models;
  }

  /** Pulls that have not ended, by name. */
  public List<PartialModel> partials() throws IOException {
    List<PartialModel> partials = new ArrayList<>();
    for (String name : names()) {
      Optional<PartialFile.State> state = PartialFile.readState(folder(name));
      if (state.isPresent()) {
        partials.add(
            new PartialModel(
                name,
                state.get().source(),
                PartialFile.lengthBytes(folder(name)),
                state.get().totalBytes()));
      }
    }
    return partials;
  }

  /**
   * Deletes a model, or what an unfinished pull has fetched.
   *
   * @return bytes freed
   * @throws KithException if there is none of that name or another process is changing it
   */
  @SuppressWarnings("try") // the lock is only held
  public long remove(String name) throws IOException {
    if (!names().contains(name)) {
      throw unknown(name);
    }
    try (ModelLock lock = lock(name);
        Stream<Path> files = Files.walk(folder(name))) {
      long freedBytes = 0;
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        freedBytes += Files.isRegularFile(file) ? Files.size(file) : 0;
        Files.delete(file);
      }
      return freedBytes;
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> folders = Files.list(home.subfolder("models"))) {
      return folders
          .filter(Files::isDirectory)
          .map(folder -> ModelName.ofFolder(String.valueOf(folder.getFileName())))
          .sorted()
          .toList();
    }
  }

  private KithException unknown(String name) {
    String known;
    try {
      known = String.join(", ", names());
    } catch (IOException e) {
      known = "none can be read: " + e;
    }
    return new KithException(
        ExitCode.USAGE,
        "there is no model \""
            + name
            + "\" here; known: "
            + (known.isEmpty() ? "none, see kith pull" : known));
  }
}
