package org.kithlm.deploy.catalog;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.KithHome;

class PullerTest {
  private static final byte[] FILE = Bytes.random(1, 100_000);
  private static final String SHA256 = Bytes.sha256(FILE);
  private static final PullTarget TARGET =
      new PullTarget("tiny:1m", new Expected(SHA256, FILE.length), List.of("hf:a", "pip:b"));

  @TempDir Path folder;
  private final RecordingProgress progress = new RecordingProgress();
  private final Map<String, ModelSource> sources = new HashMap<>();
  private ModelStore store;

  /** A pack of this test is the word PACK and the GGUF. */
  private static final class WordPacker implements Packer {
    @Override
    public void pack(Path gguf, Path pack, Progress progress) throws IOException {
      byte[] bytes = Files.readAllBytes(gguf);
      if (bytes.length < 10) {
        throw new KithException(ExitCode.OTHER, gguf + ": not a GGUF");
      }
      byte[] packed = Arrays.copyOf("PACK".getBytes(StandardCharsets.UTF_8), 4 + bytes.length);
      System.arraycopy(bytes, 0, packed, 4, bytes.length);
      Files.write(pack, packed);
    }

    @Override
    public void check(Path pack) throws IOException {
      if (Files.readAllBytes(pack)[0] != 'P') {
        throw new KithException(ExitCode.OTHER, pack + " is no pack");
      }
    }
  }

  @BeforeEach
  void makeStore() {
    store = new ModelStore(new KithHome(folder.resolve("home")));
  }

  private Puller puller() {
    return new Puller(
        store,
        source -> {
          ModelSource known = sources.get(source);
          if (known == null) {
            throw new AssertionError("asked for " + source);
          }
          return known;
        },
        new WordPacker(),
        progress,
        Clock.fixed(Instant.ofEpochSecond(1234), ZoneOffset.UTC));
  }

  private static ModelSource sending(String id, byte[] bytes) {
    return (target, expected) -> {
      target.restart(new PartialFile.State(id, null, 0, 0, bytes.length));
      target.write(ByteBuffer.wrap(bytes));
      target.complete();
    };
  }

  private static ModelSource failing(ExitCode exitCode) {
    return (target, expected) -> {
      throw new KithException(exitCode, "out of order");
    };
  }

  private List<String> files(String name) throws IOException {
    if (!Files.exists(store.folder(name))) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(store.folder(name))) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }

  private KithException failure(PullTarget target) {
    return assertThrows(KithException.class, () -> puller().pull(target, false));
  }

  @Test
  void shouldFetchPackAndRemember() throws Exception {
    sources.put("hf:a", sending("hf:a", FILE));
    Puller.Result result = puller().pull(TARGET, false);
    assertFalse(result.alreadyHere());
    assertEquals(
        new StoredModel("tiny:1m", "hf:a", SHA256, FILE.length, FILE.length + 4, 1234),
        result.model());
    assertEquals(List.of(result.model()), store.models());
    assertEquals(List.of("model.json", "model.pack"), files("tiny:1m"));
    assertEquals(List.of(), store.partials());
  }

  @Test
  void shouldKeepTheGgufWhenAsked() throws Exception {
    sources.put("hf:a", sending("hf:a", FILE));
    puller().pull(TARGET, true);
    assertEquals(List.of("model.gguf", "model.json", "model.pack"), files("tiny:1m"));
    assertArrayEquals(FILE, Files.readAllBytes(store.gguf("tiny:1m")));
  }

  @Test
  void shouldTryTheNextSource() throws Exception {
    sources.put("hf:a", failing(ExitCode.UNREACHABLE));
    sources.put("pip:b", sending("pip:b", FILE));
    assertEquals("pip:b", puller().pull(TARGET, false).model().source());
    assertEquals(List.of("hf:a: out of order; trying the next source"), progress.notices);
  }

  @Test
  void shouldFailAsTheLastSourceDoes() throws Exception {
    sources.put("hf:a", failing(ExitCode.OTHER));
    sources.put("pip:b", failing(ExitCode.UNREACHABLE));
    KithException failure = failure(TARGET);
    assertEquals(ExitCode.UNREACHABLE, failure.exitCode());
    assertEquals("pip:b: out of order", failure.getMessage());
    assertEquals(List.of(), files("tiny:1m"));
  }

  @Test
  void shouldDiscardAFileWithTheWrongHash() throws Exception {
    byte[] wrong = FILE.clone();
    wrong[77] ^= 1;
    sources.put("hf:a", sending("hf:a", wrong));
    sources.put("pip:b", failing(ExitCode.OTHER));
    failure(TARGET);
    assertEquals(
        List.of(
            "hf:a: sent a file with SHA-256 "
                + Bytes.sha256(wrong)
                + ", expected "
                + SHA256
                + "; it was discarded; trying the next source"),
        progress.notices);
    assertEquals(List.of(), files("tiny:1m"));
  }

  @Test
  void shouldGoOnWithTheSourceOfWhatIsHere() throws Exception {
    sources.put("hf:a", failing(ExitCode.UNREACHABLE));
    sources.put(
        "pip:b",
        (target, expected) -> {
          target.restart(new PartialFile.State("pip:b", null, 0, 0, FILE.length));
          target.write(ByteBuffer.wrap(FILE, 0, 60_000));
          target.completePiece();
          throw new KithException(ExitCode.UNREACHABLE, "broke off");
        });
    failure(TARGET);
    assertEquals(
        List.of(new PartialModel("tiny:1m", "pip:b", 60_000, FILE.length)), store.partials());
    assertEquals(List.of(), store.models());

    sources.remove("hf:a"); // it must not be asked now
    sources.put(
        "pip:b",
        (target, expected) -> {
          PartialFile.State known = target.state("pip:b").orElseThrow();
          assertEquals(1, known.pieces());
          target.resume(known, known.piecesBytes());
          target.write(ByteBuffer.wrap(FILE, 60_000, 40_000));
          target.complete();
        });
    assertEquals(SHA256, puller().pull(TARGET, false).model().ggufSha256());
  }

  @Test
  void shouldOnlyPackWhatAnEarlierPullFetchedWhole() throws Exception {
    Path place = store.makeFolder("tiny:1m");
    try (PartialFile part = new PartialFile(place, progress)) {
      sending("hf:a", FILE).fetch(part, TARGET.expected());
    }
    Files.write(place.resolve("model.pack.123.partial"), new byte[5]); // killed while packing
    assertEquals("hf:a", puller().pull(TARGET, false).model().source());
    assertEquals(List.of("model.json", "model.pack"), files("tiny:1m"));
  }

  @Test
  void shouldSayThatAModelIsHere() throws Exception {
    sources.put("hf:a", sending("hf:a", FILE));
    puller().pull(TARGET, false);
    sources.clear();
    Puller.Result result = puller().pull(TARGET, false);
    assertTrue(result.alreadyHere());
    assertEquals(1234, result.model().createdEpochSeconds());
  }

  @Test
  void shouldPullAgainWhenThePackIsDamaged() throws Exception {
    sources.put("hf:a", sending("hf:a", FILE));
    puller().pull(TARGET, false);
    Path pack = store.pack("tiny:1m");
    Files.write(pack, new byte[] {0});
    assertFalse(puller().pull(TARGET, false).alreadyHere());
    Files.write(pack, new byte[] {'P'});
    assertFalse(puller().pull(TARGET, false).alreadyHere());
    assertEquals(
        List.of(
            pack + " is no pack, making it again", pack + " has the wrong length, making it again"),
        progress.notices);
  }

  @Test
  void shouldNotLetANameStandForAnotherModel() throws Exception {
    sources.put("hf:a", sending("hf:a", FILE));
    puller().pull(TARGET, false);
    KithException failure =
        failure(new PullTarget("tiny:1m", Expected.ANYTHING, List.of("pip:other")));
    assertEquals(ExitCode.USAGE, failure.exitCode());
    assertEquals(
        "tiny:1m is here already, from hf:a; choose another name with --name or remove it with"
            + " kith rm tiny:1m",
        failure.getMessage());
  }

  @Test
  void shouldPackAFileWhereItLies() throws Exception {
    Path gguf = Files.write(folder.resolve("My Model.GGUF"), FILE);
    PullTarget target = PullTarget.of(gguf.toString(), null, new Catalog(List.of()));
    assertEquals("my-model", target.name());
    assertFalse(puller().pull(target, false).alreadyHere());
    assertTrue(Files.exists(gguf));
    assertEquals(List.of("model.json", "model.pack"), files("my-model"));
    assertTrue(puller().pull(target, false).alreadyHere());

    Files.write(gguf, Bytes.random(2, 50_000));
    assertEquals(ExitCode.USAGE, failure(target).exitCode());
  }

  @Test
  void shouldLeaveNothingOfAFileThatIsNoModel() throws Exception {
    Path gguf = Files.write(folder.resolve("bad.gguf"), new byte[3]);
    KithException failure = failure(PullTarget.of(gguf.toString(), null, new Catalog(List.of())));
    assertEquals(gguf + ": not a GGUF", failure.getMessage());
    assertEquals(List.of(), store.models());
    assertFalse(Files.exists(store.folder("bad")));
  }

  @SuppressWarnings("try") // the lock is only held
  @Test
  void shouldRefuseTwoPullsAtOnce() throws Exception {
    try (ModelLock lock = store.lock("tiny:1m")) {
      assertEquals(
          "tiny:1m is being changed by another kith (process "
              + ProcessHandle.current().pid()
              + "); wait for it or end it",
          failure(TARGET).getMessage());
    }
    sources.put("hf:a", sending("hf:a", FILE));
    assertFalse(puller().pull(TARGET, false).alreadyHere());
  }

  @Test
  void shouldCheckFreeSpaceFirst() {
    long huge = Long.MAX_VALUE / 4;
    KithException failure =
        failure(new PullTarget("tiny:1m", new Expected(SHA256, huge), List.of("hf:a")));
    assertEquals(ExitCode.DOES_NOT_FIT, failure.exitCode());
    assertTrue(
        String.valueOf(failure.getMessage()).contains(" are needed ("), failure.getMessage());
  }

  @Test
  void shouldRemoveModels() throws Exception {
    sources.put("hf:a", sending("hf:a", FILE));
    StoredModel model = puller().pull(TARGET, false).model();
    assertTrue(store.remove("tiny:1m") > model.packBytes());
    assertEquals(List.of(), store.models());
    KithException failure = assertThrows(KithException.class, () -> store.remove("tiny:1m"));
    assertEquals(ExitCode.USAGE, failure.exitCode());
    assertEquals(
        "there is no model \"tiny:1m\" here; known: none, see kith pull", failure.getMessage());
  }
}
