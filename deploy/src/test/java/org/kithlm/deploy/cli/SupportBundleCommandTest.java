package org.kithlm.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.deploy.Kith;

/** {@code kith logs} and {@code support-bundle}. */
class SupportBundleCommandTest {
  private static final String TOKEN =
      "192.168.1.10:11502/" + "ab".repeat(32) + "/" + "cd".repeat(16);

  @TempDir Path home;

  private final StringWriter errors = new StringWriter();

  @BeforeEach
  void writeLogs() throws Exception {
    Path older = Files.createDirectories(home.resolve("logs").resolve("20260101-000000-1"));
    Files.writeString(older.resolve("node-1.log"), "of an older run");
    Path newer = Files.createDirectories(home.resolve("logs").resolve("20260102-000000-1"));
    Files.write(
        newer.resolve("node-1.log"),
        IntStream.rangeClosed(1, 100).mapToObj(line -> "line " + line + ".").toList());
    Files.writeString(
        newer.resolve("node-2.log"),
        """
        kith join %s
        Authorization: Bearer sk-0123, --api-key hunter2
        {"messages": [{"role": "user", "content": "my \\"diary\\" says"}], "max_tokens": 5}
        {"prompt": "dear diary", "text":"and cut off
        rank 1 is silent
        """
            .formatted(TOKEN));
  }

  private String run(int exitCode, String... args) {
    StringWriter answer = new StringWriter();
    int code =
        Kith.run(
            List.of(args),
            Map.of("KITH_HOME", home.toString()),
            new PrintWriter(answer, true),
            new PrintWriter(errors, true));
    assertEquals(exitCode, code, errors::toString);
    return answer.toString();
  }

  @Test
  void shouldShowTheEndOfTheLastRunsLogs() {
    String all = run(0, "logs", "--lines", "2");
    assertTrue(all.contains("line 99.") && all.contains("line 100."), all);
    assertFalse(all.contains("line 98."), all);
    assertTrue(all.contains("rank 1 is silent"), all);
    assertFalse(all.contains("of an older run"), all);
    String one = run(0, "logs", "node-2");
    assertFalse(one.contains("line 100."), one);
    run(2, "logs", "node-3");
    assertTrue(errors.toString().contains("no logs of node-3 in "), errors::toString);
  }

  @Test
  void shouldBundleWithoutSecretsAndConversations() throws Exception {
    Path bundle = home.resolve("bundle.zip");
    run(0, "support-bundle", "--output", bundle.toString());
    try (ZipFile zip = new ZipFile(bundle.toFile())) {
      assertEquals(
          List.of("about.txt", "nodes.json", "logs/node-1.log", "logs/node-2.log"),
          zip.stream().map(ZipEntry::getName).toList());
      String log = text(zip, "logs/node-2.log");
      for (String secret : List.of("abab", "cdcd", "sk-0123", "hunter2", "diary", "cut off")) {
        assertFalse(log.contains(secret), log);
      }
      assertTrue(log.contains("kith join 192.168.1.10:11502/[redacted]"), log);
      assertTrue(log.contains("\"max_tokens\": 5"), log);
      assertTrue(log.contains("rank 1 is silent"), log);
      assertTrue(text(zip, "about.txt").contains("kith "), () -> "about.txt");
    }
  }

  private static String text(ZipFile zip, String name) throws Exception {
    return new String(
        zip.getInputStream(Objects.requireNonNull(zip.getEntry(name))).readAllBytes(),
        StandardCharsets.UTF_8);
  }
}
