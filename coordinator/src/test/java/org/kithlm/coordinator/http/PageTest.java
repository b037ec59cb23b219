package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.GenerationTiming;

class PageTest {
  private static final String BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8";
  private static final long MAX_PAGE_BYTES = 200_000;

  private final TestEndpoint endpoint =
      new TestEndpoint(
          TestEndpoint.settings(
              "s3cret", Set.of(), TestEndpoint.limits(Duration.ofSeconds(60), 4096)));

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private TestEndpoint.Answer get(String path, String name, String value) throws Exception {
    return endpoint.send(HttpRequest.newBuilder(endpoint.uri(path)).header(name, value));
  }

  private JsonNode cluster() throws Exception {
    TestEndpoint.Answer answer = get("/api/kith/cluster", "Authorization", "Bearer s3cret");
    assertEquals(200, answer.status(), answer.http().body());
    assertEquals("no-store", answer.header("Cache-Control"));
    return answer.json();
  }

  private static List<Path> files() throws IOException {
    Path folder =
        Path.of(PageTest.class.getResource("/page/index.html").getPath()).resolveSibling("");
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void shouldShowThePageToBrowsersAndTellOllamaClientsThatItRuns() throws Exception {
    TestEndpoint.Answer page = get("/", "Accept", BROWSER);
    TestEndpoint.Answer plain = get("/", "Accept", "*/*");

    assertEquals(200, page.status());
    assertEquals("text/html; charset=UTF-8", page.header("Content-Type"));
    assertTrue(page.http().body().startsWith("<!doctype html>"), page.http().body());
    assertEquals("Accept", page.header("Vary"));
    assertEquals(200, plain.status());
    assertEquals("Ollama is running", plain.http().body());
    assertEquals("Accept", plain.header("Vary"));
  }

  @Test
  void shouldServeEveryFileUnderStrictRules() throws Exception {
    long totalBytes = 0;
    for (Path file : files()) {
      TestEndpoint.Answer answer = endpoint.get("/page/" + file.getFileName());

      assertEquals(200, answer.status(), file.toString());
      assertEquals(Files.readString(file), answer.http().body());
      String policy = answer.header("Content-Security-Policy");
      assertNotNull(policy);
      assertTrue(policy.startsWith("default-src 'none'; script-src 'self';"), policy);
      assertFalse(policy.contains("unsafe"), policy);
      assertEquals("nosniff", answer.header("X-Content-Type-Options"));
      assertEquals("no-referrer", answer.header("Referrer-Policy"));
      assertEquals("no-cache", answer.header("Cache-Control"));
      totalBytes += Files.size(file);
    }
    assertTrue(totalBytes > 10_000 && totalBytes < MAX_PAGE_BYTES, totalBytes + " bytes");
  }

  @Test
  void shouldParseNoTextAsMarkupOrScript() throws Exception {
    for (Path file : files()) {
      String text = Files.readString(file);

      for (String sink :
          new String[] {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("}) {
        assertFalse(text.contains(sink), file + " has " + sink);
      }
    }
  }

  @Test
  void shouldNotSendAFileAgain() throws Exception {
    String etag = endpoint.get("/page/app.js").header("ETag");
    assertNotNull(etag);

    TestEndpoint.Answer again = get("/page/app.js", "If-None-Match", etag);

    assertEquals(304, again.status());
    assertEquals("", again.http().body());
    assertEquals(etag, again.header("ETag"));
  }

  @Test
  void shouldServeNothingElseOfTheClassPath() throws Exception {
    for (String path :
        new String[] {
          "/page/",
          "/page/none.js",
          "/page/..%2Fkith-http.conf",
          "/page/%2e%2e/kith-http.conf",
          "/page/index.html%00.js",
          "/page/Index.html",
          "/kith-http.conf"
        }) {
      int status = get(path, "Authorization", "Bearer s3cret").status();

      assertTrue(status == 404 || status == 400, path + ": " + status);
    }
  }

  @Test
  void shouldTellOfTheClusterOnlyWithTheKey() throws Exception {
    assertEquals(401, endpoint.get("/api/kith/cluster").status());
    assertEquals(403, get("/api/kith/cluster", "Origin", "https://evil.example").status());
    assertEquals("starting", cluster().path("phase").asText());
  }

  @Test
  void shouldTellOfNodesAndTheirWork() throws Exception {
    endpoint.cluster.serve("desk", "attic");
    endpoint.cluster.generate(GenerationTiming.State.DECODE, 96, 2);

    JsonNode report = cluster();

    assertEquals(FakeChatService.MODEL, report.path("model").asText());
    assertEquals(FakeChatService.CONTEXT_LENGTH, report.path("context_length").asInt());
    assertEquals("ready", report.path("phase").asText());
    assertEquals(2, report.path("queued").asInt());
    JsonNode generation = report.path("generation");
    assertEquals("decode", generation.path("state").asText());
    assertEquals(96, generation.path("completion_tokens").asInt());
    assertEquals(172, generation.path("until_first_token").path("collective_ms").asDouble());
    JsonNode attic = report.path("nodes").path(1);
    assertEquals("attic", attic.path("name").asText());
    assertEquals(0.5, attic.path("share").asDouble());
    assertEquals(2_600, attic.path("used").path("collective_ms").asDouble());
    assertEquals("12.5 GB/s of weights in memory", attic.path("share_reason").asText());
    assertEquals(
        "{\"choice\":\"auto\",\"sealed\":true,\"forms\":[{\"step\":\"decode\",\"form\":\"direct\"},"
            + "{\"step\":\"prefill\",\"form\":\"two-shot\"}]}",
        report.path("sums").toString());
    assertEquals(0, report.path("lost").size());
  }

  @Test
  void shouldTellOfALostNode() throws Exception {
    endpoint.cluster.serve("desk", "attic");
    endpoint.cluster.serve("desk");

    JsonNode report = cluster();

    assertEquals(1, report.path("nodes").size());
    assertEquals(1.0, report.path("nodes").path(0).path("share").asDouble());
    JsonNode lost = report.path("lost").path(0);
    assertEquals("attic", lost.path("name").asText());
    assertEquals(1, lost.path("rank").asInt());
    assertEquals(FakeCluster.NOW, lost.path("lost_at").asLong());
    assertNull(lost.get("used"));
  }
}
