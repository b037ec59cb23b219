package org.kithlm.coordinator.http;

import java.util.List;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.generation.ChatService;

/** {@code GET /v1/models}, {@code /v1/models/{id}} and {@code /health}. Thread-safe. */
final class ModelHandler {
  record ModelList(String object, List<Model> data) {}

  record Model(String id, String object, long created, String ownedBy) {}

  record Ready(String status, String detail, String model) {}

  private final ChatService service;

  ModelHandler(ChatService service) {
    this.service = service;
  }

  HttpResponse list() {
    return Json.ok(new ModelList("list", List.of(served())));
  }

  HttpResponse get(String id) {
    Model served = served();
    if (!served.id().equals(id)) {
      throw ApiException.modelNotFound(
          "the model '" + id + "' is not served here; this endpoint serves '" + served.id() + "'");
    }
    return Json.ok(served);
  }

  HttpResponse health() {
    ChatService.Health health = service.health();
    if (!health.ready()) {
      throw ApiException.notReady(health.detail());
    }
    return Json.ok(new Ready("ready", health.detail(), service.model().id()));
  }

  private Model served() {
    ChatService.Model model = service.model();
    return new Model(model.id(), "model", model.createdEpochSeconds(), "kithlm");
  }
}
