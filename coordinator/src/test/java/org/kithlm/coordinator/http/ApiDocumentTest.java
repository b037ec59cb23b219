package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.metrics.EndpointMetrics;

class ApiDocumentTest {
  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private JsonNode document() throws Exception {
    return endpoint.get("/openapi.json").json();
  }

  @Test
  void shouldNameTheServedModel() throws Exception {
    assertEquals("3.2.0", document().path("openapi").asText());
    assertEquals(
        "[\"" + FakeChatService.MODEL + "\"]",
        document().at("/components/schemas/Model/enum").toString());
  }

  @Test
  void shouldHaveEachRouteAndNoOther() throws Exception {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "routes-test");
    try {
      EndpointSettings.Limits limits = EndpointSettings.Limits.DEFAULT;
      Routes routes =
          Routes.of(
              system,
              endpoint.service,
              endpoint.cluster.feed,
              new EndpointMetrics(),
              limits,
              new BodyReader(system, limits));

      assertEquals(
          new TreeSet<>(routes.paths()),
          document().path("paths").properties().stream()
              .map(path -> path.getKey().substring(1).replaceAll("\\{[^}]*\\}$", "*"))
              .collect(Collectors.toCollection(TreeSet::new)));
    } finally {
      system.terminate();
    }
  }

  /** So that the methods are those of the server too. */
  @Test
  void shouldNameMethodsThatAreAllowed() throws Exception {
    for (Map.Entry<String, JsonNode> path : document().path("paths").properties()) {
      for (Map.Entry<String, JsonNode> operation : path.getValue().properties()) {
        TestEndpoint.Answer answer =
            endpoint.send(
                HttpRequest.newBuilder(endpoint.uri(path.getKey().replaceAll("[{}]", "")))
                    .header("Content-Type", "application/json")
                    .method(
                        operation.getKey().toUpperCase(Locale.ROOT),
                        HttpRequest.BodyPublishers.ofString("{}")));
        assertTrue(
            answer.status() != 405 && answer.status() < 500,
            path.getKey() + " " + operation.getKey() + ": " + answer.http().body());
      }
    }
  }
}
