package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MetricsTest {
  private static final Path PROJECT = Path.of(System.getProperty("kith.project.dir"));
  private static final Pattern NAME = Pattern.compile("kith_[a-z0-9_]+");

  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private static Set<String> names(String text) {
    return NAME.matcher(text)
        .results()
        .map(MatchResult::group)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** What is told after an answer, by a cluster of two. */
  private String figures() throws Exception {
    endpoint.cluster.serve("desk", "attic");
    endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(""));
    TestEndpoint.Answer answer = endpoint.get("/metrics");
    assertEquals(200, answer.status());
    assertEquals("text/plain; version=0.0.4; charset=UTF-8", answer.header("Content-Type"));
    return answer.http().body();
  }

  @Test
  void shouldCountAnAnswer() throws Exception {
    String figures = figures();

    for (String line :
        new String[] {
          "kith_generations_total{outcome=\"stop\"} 1.0",
          "kith_http_responses_total{status=\"200\"} 1.0",
          "kith_completion_tokens_total 5.0",
          "kith_ready 1.0",
          "kith_node_share{node=\"attic\",rank=\"1\"} 0.5",
        }) {
      assertTrue(figures.contains("\n" + line + "\n"), line + " is not in\n" + figures);
    }
  }

  @Test
  void shouldTellAllThatTheDashboardShows() throws Exception {
    Set<String> shown =
        names(Files.readString(PROJECT.resolve("deploy").resolve("grafana/kithlm.json")));
    Set<String> told = names(figures());

    assertTrue(shown.size() > 15, shown.toString());
    shown.removeAll(told);
    assertEquals(Set.of(), shown);
  }

  @Test
  void shouldTellAllThatTheDocumentationNames() throws Exception {
    Set<String> named = names(Files.readString(PROJECT.resolve("docs").resolve("metrics.md")));
    Set<String> told = names(figures());

    named.removeIf(
        name -> told.contains(name) || told.contains(name + "_bucket")); // of a histogram
    assertEquals(Set.of(), named);
  }
}
