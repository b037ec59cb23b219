package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.deploy.KithHome;
import org.kithlm.deploy.catalog.ModelStore;

/** What the kith command refuses: no answer, one line that says why and what to do, a code. */
class BadInputIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;

  @TempDir Path folder;

  @BeforeAll
  static void pullModel() throws Exception {
    TestModel.SMOLLM2.pull();
  }

  /** Runs a command; returns what it says on standard error besides its log. */
  private static String refusal(int exitCode, Path home, String... args) throws Exception {
    try (KithProcess kith = KithProcess.start(home, args)) {
      assertEquals("null", kith.awaitLine(), "its standard output");
      assertEquals(exitCode, kith.awaitExit(), kith.errors());
      List<String> lines = kith.errors().lines().filter(line -> !line.contains(" WARN ")).toList();
      assertEquals(1, lines.size(), kith.errors());
      assertTrue(lines.getFirst().startsWith("kith: "), kith.errors());
      return lines.getFirst();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2 | local -n 1 | MODEL",
        "2 | local -n 1 no-such --prompt hi | no-such",
        "2 | local -n 0 smollm2:135m --prompt hi | -n 0 is out of range: 1 to",
        "4 | local -n 1 smollm2:135m --context 16 --prompt hi | context of 16; shorten it"
      })
  void shouldRefuseACommandLine(int exitCode, String line, String reason) throws Exception {
    String refusal = refusal(exitCode, TestModel.HOME, line.split(" "));

    assertTrue(refusal.contains(reason), refusal);
  }

  @Test
  void shouldRefuseAnEmptyPrompt() throws Exception {
    String refusal = refusal(2, TestModel.HOME, "local", "-n", "1", MODEL, "--prompt", "");

    assertTrue(refusal.contains("--prompt is empty; give it some text"), refusal);
  }

  @ParameterizedTest
  @CsvSource({
    "join, in no cluster yet; give the join token that kith up printed",
    "join secret, is not HOST:PORT/FINGERPRINT/SECRET; copy the whole line"
  })
  void shouldRefuseToJoinWithoutAToken(String line, String reason) throws Exception {
    String refusal = refusal(5, folder.resolve("home"), line.split(" "));

    assertTrue(refusal.contains(reason), refusal);
  }

  @Test
  void shouldNameAPortInUse() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());

      String refusal = refusal(1, TestModel.HOME, "local", "-n", "1", MODEL, "--port", port);

      assertTrue(refusal.contains(port) && refusal.contains("choose another port"), refusal);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pull --json", "local -n 1 --json --prompt hi"})
  void shouldRefuseATruncatedGguf(String command) throws Exception {
    // Magic, version 3, one tensor, and half of how many pairs follow.
    Path file = folder.resolve("cut.gguf");
    Files.write(file, new byte[] {'G', 'G', 'U', 'F', 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 30});

    List<String> args = new ArrayList<>(List.of(command.split(" ")));
    args.add(file.toString());
    String refusal = refusal(1, folder.resolve("home"), args.toArray(String[]::new));

    assertTrue(refusal.contains(file.toString()), refusal);
  }

  @ParameterizedTest
  @CsvSource({"0.1", "0.5", "0.9"})
  void shouldNeverAnswerFromADamagedPack(double place) throws Exception {
    Path home = folder.resolve("home");
    ModelStore sound = new ModelStore(new KithHome(TestModel.HOME));
    ModelStore damaged = new ModelStore(new KithHome(home));
    Files.createDirectories(damaged.folder(MODEL));
    try (var files = Files.list(sound.folder(MODEL))) {
      for (Path file : new ArrayList<>(files.toList())) {
        Files.copy(file, damaged.folder(MODEL).resolve(file.getFileName()));
      }
    }
    try (RandomAccessFile pack = new RandomAccessFile(damaged.pack(MODEL).toFile(), "rw")) {
      long offsetBytes = (long) (place * pack.length());
      pack.seek(offsetBytes);
      int value = pack.read();
      pack.seek(offsetBytes);
      pack.write(value ^ 1);
    }

    String refusal = refusal(1, home, "local", "-n", "2", MODEL, "--prompt", "hi");

    assertTrue(refusal.contains(damaged.pack(MODEL).toString()), refusal);
    assertTrue(refusal.contains("is damaged"), refusal);
  }
}
