package org.kithlm.coordinator.http;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.ChatService;

/**
 * What is served: {@code /v1/models}, {@code /health}, and the refusal to make embeddings.
 * Thread-safe.
 */
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
      throw ApiException.modelNotServed(id, served.id());
    }
    return Json.ok(served);
  }

  /** Refuses to embed, as a model that writes text has no vectors that would mean anything. */
  CompletionStage<HttpResponse> embeddings(@Nullable String model) {
    String served = service.model().id();
    if (!served.equals(model)) {
      throw ApiException.modelNotServed(model, served);
    }
    throw ApiException.badRequest(
        "the model '" + served + "' makes no embeddings; it only writes text", "model");
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
