package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.RandomAccessFile;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithHome;
import org.kithlm.deploy.catalog.ModelStore;

/** Clusters with less memory than their weights take. */
class MemoryIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;
  private static final Pattern SMALLEST = Pattern.compile("--memory (\\d+M)");

  /** About 400 tokens: more than a step takes where weights are resident. */
  private static final String PROMPT = "Once upon a time, ".repeat(80);

  private static final int ANSWER_TOKENS = 16;
  private static final int FLIP_EVERY_BYTES = 64 << 10;

  @TempDir Path folder;

  @BeforeAll
  static void pullModel() throws Exception {
    TestModel.SMOLLM2.pull();
  }

  @Test
  void shouldAnswerAlikeInTheSmallestMemoryThatWorks() throws Exception {
    JsonNode pinned = answer("1T");
    JsonNode streamed = answer(smallestMemory());

    assertEquals(pinned.get("tokens"), streamed.get("tokens"));
    assertEquals(ANSWER_TOKENS, streamed.get("tokens").size(), streamed::toString);
    assertTrue(streamed.get("prompt_tokens").size() > 300, streamed::toString);
    for (int rank = 0; rank < 2; rank++) {
      JsonNode whole = pinned.get("nodes").get(rank);
      JsonNode part = streamed.get("nodes").get(rank);
      assertEquals(0, whole.get("weights_streamed_bytes").asLong(), whole::toString);
      long resident = part.get("weights_resident_bytes").asLong();
      long weights = whole.get("weights_resident_bytes").asLong();
      assertTrue(resident < weights, part::toString);
      // Once for the whole prompt and once for each token after the first; then the ring fills.
      long bytes = part.get("weights_streamed_bytes").asLong();
      assertTrue(bytes > ANSWER_TOKENS * (weights - resident), part::toString);
      assertTrue(bytes < 1.08 * ANSWER_TOKENS * weights + resident, part::toString);
    }
  }

  @Test
  void shouldTellTheCoordinatorWhyALeafDoesNotFit() throws Exception {
    String[] up = {
      "up",
      MODEL,
      "--even-shares",
      "--host",
      "127.0.0.1",
      "--control-port",
      "0",
      "--join-port",
      "0",
      "--port",
      "0"
    };
    try (KithProcess cluster = KithProcess.start(TestModel.HOME, with(up, "--context", "512"))) {
      cluster.awaitLine(); // served
      String[] join = {"join", cluster.joinToken(), "--name", "small", "--memory", "16M"};
      try (KithProcess node = KithProcess.start(TestModel.HOME, join)) {
        Await.until(
            "the coordinator tells of the refusal",
            Duration.ofMinutes(1),
            () -> cluster.errors().contains("failed: 16 MiB of memory are too little"));
        assertTrue(SMALLEST.matcher(cluster.errors()).find(), node.errors() + cluster.errors());
      }
    }
  }

  @Test
  @Tag("fault")
  void shouldNameNodeTileAndFileWhenTheFileIsCutAndGoOnWhenItIsWhole() throws Exception {
    shouldFailAndRecover(
        pack -> {
          try (RandomAccessFile file = new RandomAccessFile(pack.toFile(), "rw")) {
            file.setLength(file.length() / 2);
          }
        },
        "is cut short");
  }

  @Test
  @Tag("fault")
  void shouldNameNodeTileAndFileWhenBytesFlipAndGoOnWhenTheyAreRight() throws Exception {
    shouldFailAndRecover(
        pack -> {
          try (RandomAccessFile file = new RandomAccessFile(pack.toFile(), "rw")) {
            for (long at = file.length() / 2; at < file.length(); at += FLIP_EVERY_BYTES) {
              file.seek(at);
              int value = file.read();
              file.seek(at);
              file.write(value ^ 1);
            }
          }
        },
        "has CRC32C");
  }

  /** Does harm to a pack in place. */
  private interface Damage {
    void to(Path pack) throws Exception;
  }

  private void shouldFailAndRecover(Damage damage, String reason) throws Exception {
    ModelStore sound = new ModelStore(new KithHome(TestModel.HOME));
    ModelStore harmed = new ModelStore(new KithHome(folder));
    Files.createDirectories(harmed.folder(MODEL));
    try (Stream<Path> files = Files.list(sound.folder(MODEL))) {
      for (Path file : files.toList()) {
        Files.copy(file, harmed.folder(MODEL).resolve(file.getFileName()));
      }
    }
    String[] local = {"local", "-n", "2", MODEL, "--context", "512", "--port", "0", "--json"};
    try (KithProcess cluster =
            KithProcess.start(folder, with(local, "--memory", smallestMemory()));
        HttpClient client = HttpClient.newHttpClient()) {
      JsonNode ready = Json.MAPPER.readTree(cluster.awaitLine());
      URI completions = URI.create(ready.get("endpoint").asText() + "/v1/completions");
      HttpResponse<String> before = complete(client, completions);
      assertEquals(200, before.statusCode(), before::body);

      Path pack = harmed.pack(MODEL);
      damage.to(pack);
      HttpResponse<String> failed = complete(client, completions);
      assertTrue(failed.statusCode() >= 500, failed::body);
      String cause = Json.MAPPER.readTree(failed.body()).at("/error/message").asText();
      assertTrue(cause.matches("(?s).*rank [01]\\b.*tile \\d+ of .*"), cause);
      assertTrue(cause.contains(pack.toString()) && cause.contains(reason), cause);

      Files.write(pack, Files.readAllBytes(sound.pack(MODEL)));
      long deadlineNs = System.nanoTime() + Duration.ofMinutes(2).toNanos();
      HttpResponse<String> after = failed;
      while (after.statusCode() != 200 && System.nanoTime() < deadlineNs) {
        after = complete(client, completions);
      }
      assertEquals(
          Json.MAPPER.readTree(before.body()).at("/choices/0/text"),
          Json.MAPPER.readTree(after.body()).at("/choices/0/text"),
          after::body);
      for (JsonNode node : ready.get("nodes")) {
        assertTrue(ProcessHandle.of(node.get("pid").asLong()).isPresent(), node::toString);
      }
    }
  }

  private static HttpResponse<String> complete(HttpClient client, URI uri) throws Exception {
    return client.send(
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofSeconds(90))
            .header("Content-Type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    """
                    {"model": "%s", "prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}
                    """
                        .formatted(MODEL)))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** What the refusal of too little memory advises. */
  private static String smallestMemory() throws Exception {
    try (KithProcess kith = KithProcess.start(TestModel.HOME, prompt("1M"))) {
      assertEquals("null", kith.awaitLine(), "its standard output");
      assertEquals(4, kith.awaitExit(), kith.errors());
      Matcher smallest = SMALLEST.matcher(kith.errors());
      assertTrue(smallest.find(), kith.errors());
      return smallest.group(1);
    }
  }

  private static JsonNode answer(String memory) throws Exception {
    try (KithProcess kith = KithProcess.start(TestModel.HOME, prompt(memory))) {
      String line = kith.awaitLine();
      assertEquals(0, kith.awaitExit(), kith.errors());
      return Json.MAPPER.readTree(line);
    }
  }

  private static String[] prompt(String memory) {
    String[] local = {"local", "-n", "2", MODEL, "--context", "512", "--memory", memory, "--json"};
    return with(
        local,
        "--raw",
        "--prompt",
        PROMPT,
        "--max-tokens",
        Integer.toString(ANSWER_TOKENS),
        "--temperature",
        "0");
  }

  private static String[] with(String[] args, String... more) {
    List<String> all = new ArrayList<>(List.of(args));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }
}
