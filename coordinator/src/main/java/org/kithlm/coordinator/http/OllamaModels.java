package org.kithlm.coordinator.http;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.ModelCard;

/** What Ollama's API tells of the model that is served, and refuses to do with it. Thread-safe. */
final class OllamaModels {
  /** The version of Ollama whose API this is: some clients ask for a smallest one. */
  private static final String API_VERSION = "0.12.0";

  /** When the model will be unloaded, which is never; clients want a time. */
  private static final Duration LOADED = Duration.ofDays(365);

  record Version(String version) {}

  record ModelList(List<?> models) {}

  record Model(
      String name, String model, String modifiedAt, long size, String digest, Details details) {}

  record Running(
      String name,
      String model,
      long size,
      String digest,
      Details details,
      String expiresAt,
      long sizeVram,
      int contextLength) {}

  record Details(
      String parentModel,
      String format,
      String family,
      List<String> families,
      String parameterSize,
      String quantizationLevel) {}

  record Shown(
      String modelfile,
      String parameters,
      String template,
      Details details,
      Map<String, Object> modelInfo,
      List<String> capabilities,
      String modifiedAt) {}

  private final ChatService service;

  OllamaModels(ChatService service) {
    this.service = service;
  }

  static HttpResponse version() {
    return Json.ok(new Version(API_VERSION));
  }

  HttpResponse tags() {
    String id = service.model().id();
    ModelCard card = service.card();
    return Json.ok(
        new ModelList(
            List.of(new Model(id, id, made(), card.fileBytes(), card.digest(), details(card)))));
  }

  HttpResponse running() {
    String id = service.model().id();
    ModelCard card = service.card();
    return Json.ok(
        new ModelList(
            List.of(
                new Running(
                    id,
                    id,
                    card.fileBytes(),
                    card.digest(),
                    details(card),
                    Instant.now().plus(LOADED).toString(),
                    0,
                    service.model().contextLength()))));
  }

  CompletionStage<HttpResponse> show(Fields body) {
    String served = service.model().id();
    // Its older name, which some clients still use.
    String name = body.has("model") ? OllamaRequest.model(body, served) : body.text("name");
    ModelCard card = service.card();
    if (!served.equals(name)) {
      throw ApiException.modelNotServed(name, served);
    }
    String architecture = card.architecture();
    return CompletableFuture.completedFuture(
        Json.ok(
            new Shown(
                "# made from a GGUF file by kith pull",
                "",
                card.template(),
                details(card),
                Map.of(
                    "general.architecture",
                    architecture,
                    architecture + ".context_length",
                    service.model().contextLength(),
                    architecture + ".embedding_length",
                    card.embeddingLength(),
                    architecture + ".block_count",
                    card.layerCount()),
                List.of("completion", "tools"),
                made())));
  }

  /** Why models cannot be changed here. */
  static ApiException unmanaged(String path) {
    return ApiException.of(
        StatusCodes.BAD_REQUEST,
        "/%s is not supported: one model is served here; use kith pull, list and rm on the machine that leads the cluster, then kith up"
            .formatted(path),
        "unsupported");
  }

  private String made() {
    return Instant.ofEpochSecond(service.model().createdEpochSeconds()).toString();
  }

  private static Details details(ModelCard card) {
    return new Details(
        "",
        "gguf",
        card.architecture(),
        List.of(card.architecture()),
        card.sizeLabel(),
        card.quantization());
  }
}
