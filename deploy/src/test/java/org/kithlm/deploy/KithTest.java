package org.kithlm.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KithTest {
  @TempDir Path folder;
  private String out = "";
  private String err = "";

  private int kith(String... args) {
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    int exitCode =
        Kith.run(
            List.of(args),
            Map.of("KITH_HOME", folder.resolve("home").toString()),
            new PrintWriter(outText),
            new PrintWriter(errText));
    out = outText.toString();
    err = errText.toString();
    return exitCode;
  }

  @Test
  void shouldPrintTheVersionOfTheBuild() {
    assertEquals(0, kith("--version"));
    assertTrue(out.matches("kith [0-9]+\\.[0-9].*\\R"), out);
  }

  @Test
  void shouldShowHelpOfEachCommand() {
    for (String command : List.of("pull", "list", "show", "rm")) {
      assertEquals(0, kith(command, "--help"));
      assertTrue(out.startsWith("Usage: kith " + command), out);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "fly", "pull", "list --fast", "show", "rm a b"})
  void shouldRefuseAWrongCommandLine(String line) {
    assertEquals(2, kith(line.isEmpty() ? new String[0] : line.split(" ")));
    assertEquals("", out);
    assertEquals(1, err.lines().count(), err);
    assertTrue(err.matches("kith: .*; see kith.* --help\\R"), err);
  }

  @Test
  void shouldListTheCatalogBeforeAnythingIsPulled() throws Exception {
    assertEquals(0, kith("list"));
    assertEquals(4, out.lines().count());
    assertTrue(out.contains("smollm2:135m             available"), out);

    assertEquals(0, kith("list", "--json"));
    JsonNode first = Json.MAPPER.readTree(out).at("/models/0");
    assertEquals("available", first.at("/state").asText());
    assertEquals(98_362_432, first.at("/total_bytes").asLong());
  }

  @ParameterizedTest
  @ValueSource(strings = {"local", "up"})
  void shouldNameTheFormsOfSums(String command) {
    assertEquals(2, kith(command, "smollm2:135m", "--collective", "ring"));
    assertEquals(
        "kith: Invalid value for option '--collective': 'ring' is not one of [star, direct,"
            + " two-shot, auto, shared-memory]; see kith "
            + command
            + " --help",
        err.strip());
  }

  @Test
  void shouldSayWhereNobodyListensForABenchmark() {
    assertEquals(3, kith("bench", "transport", "--connect", "127.0.0.1", "--port", "1"));
    assertTrue(err.startsWith("kith: no kith bench answers at 127.0.0.1:1 ("), err);
    assertEquals(1, err.lines().count(), err);
  }

  @ParameterizedTest
  @ValueSource(strings = {"show", "rm"})
  void shouldRefuseAnUnknownModel(String command) {
    assertEquals(2, kith(command, "none"));
    assertEquals("kith: there is no model \"none\" here; known: none, see kith pull", err.strip());
  }

  @Test
  void shouldRefuseWhatIsNoGguf() throws Exception {
    Path file = folder.resolve("letter.gguf");
    Files.writeString(file, "Dear reader, this is not a model.".repeat(100));
    assertEquals(1, kith("pull", "--json", file.toString()));
    assertEquals("", out);
    assertEquals(1, err.lines().count(), err);
    assertTrue(err.startsWith("kith: " + file + ": "), err);
  }

  @Test
  void shouldRefuseATruncatedGguf() throws Exception {
    Path file = folder.resolve("cut.gguf");
    // Magic, version 3, 200 tensors and 30 pairs to follow, of which there are none.
    byte[] start =
        "GGUF\3\0\0\0\310\0\0\0\0\0\0\0\36\0\0\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);
    Files.write(file, start);
    assertEquals(1, kith("pull", "--json", file.toString()));
    assertEquals(1, err.lines().count(), err);
    assertTrue(err.startsWith("kith: " + file + ": "), err);
  }

  @Test
  void shouldShowWhereAFailureComesFromOnlyWhenAsked() throws Exception {
    Path file = Files.createFile(folder.resolve("empty.gguf"));
    assertEquals(1, kith("pull", "--json", "--debug", file.toString()));
    assertTrue(err.contains("\tat org.kithlm."), err);
  }
}
