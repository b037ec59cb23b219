package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.generation.ChatService;

/**
 * {@code GET /openapi.json}: the endpoint in OpenAPI's words, for the served model. Thread-safe.
 */
final class ApiDocument {
  private static final String RESOURCE = "/openapi.json";
  private static final String MODEL = "/components/schemas/Model";

  private final JsonNode document;

  ApiDocument(ChatService service) {
    document = read();
    ((ObjectNode) document.at(MODEL)).putArray("enum").add(service.model().id());
  }

  private static JsonNode read() {
    try (InputStream in = ApiDocument.class.getResourceAsStream(RESOURCE)) {
      return Json.MAPPER.readTree(Objects.requireNonNull(in));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + RESOURCE, e);
    }
  }

  HttpResponse get() {
    return Json.ok(document);
  }
}
