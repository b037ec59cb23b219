package org.kithlm.coordinator.http;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.HttpMethod;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.metrics.EndpointMetrics;
import org.kithlm.coordinator.status.ClusterSource;

/**
 * What answers each path. A path that ends with {@code /*} stands for all that are longer. Filled
 * before it is used; thread-safe from then on.
 */
final class Routes {
  /** Answers the requests of one path. */
  interface Route {
    /**
     * Answers a request.
     *
     * @param rest what the path has in the place of the star, decoded
     * @param over see {@link Router#handle}
     */
    CompletionStage<HttpResponse> handle(
        HttpRequest request, String rest, CompletionStage<Done> over);
  }

  private static final String REST = "/*";
  private static final String API_DOCUMENT = "openapi.json";

  private final BodyReader bodies;
  private final Map<String, Route> routes = new LinkedHashMap<>();

  private Routes(BodyReader bodies) {
    this.bodies = bodies;
  }

  /** All that an endpoint answers. */
  static Routes of(
      ActorSystem<?> system,
      ChatService service,
      ClusterSource cluster,
      EndpointMetrics metrics,
      EndpointSettings.Limits limits,
      BodyReader bodies) {
    Routes routes = new Routes(bodies);
    PageFiles page = new PageFiles();
    routes.get("", page::root);
    routes.getRest("page/*", page::file);
    routes.get(API_DOCUMENT, new ApiDocument(service)::get);
    ModelHandler models = new ModelHandler(service);
    routes.get("health", models::health);
    routes.getLater("metrics", new MetricsHandler(metrics, cluster)::get);
    routes.getLater("api/kith/cluster", new ClusterHandler(service, cluster)::get);
    Answers answers = new Answers(system, service, limits);
    routes.get("v1/models", models::list);
    routes.getRest("v1/models/*", (request, id) -> models.get(id));
    routes.post("v1/chat/completions", new ChatHandler(service, answers)::handle);
    routes.post("v1/completions", new CompletionHandler(service, answers)::handle);
    routes.post("v1/embeddings", (body, over) -> models.embeddings(body.text("model")));
    routes.addOllamas(service, answers, models);
    return routes;
  }

  /**
   * Whether anybody may ask for a path: a browser cannot send a key for the page's own files, and
   * tools read what the endpoint answers before they are told of a key.
   */
  static boolean isOpen(String path) {
    return path.isEmpty() || path.startsWith(PageFiles.FOLDER) || path.equals(API_DOCUMENT);
  }

  /** Whether a path belongs to Ollama's API, whose errors have another form. */
  static boolean isOllamas(String path) {
    return path.startsWith("api/") && !path.startsWith("api/kith/");
  }

  private void addOllamas(ChatService service, Answers answers, ModelHandler models) {
    OllamaModels ollama = new OllamaModels(service);
    get("api/version", OllamaModels::version);
    get("api/tags", ollama::tags);
    get("api/ps", ollama::running);
    OllamaHandler handler = new OllamaHandler(service, answers);
    post("api/show", BodyReader.Types.ANY, (body, over) -> ollama.show(body));
    post("api/chat", BodyReader.Types.ANY, handler::chat);
    post("api/generate", BodyReader.Types.ANY, handler::generate);
    for (String path : List.of("api/embed", "api/embeddings")) {
      post(
          path,
          BodyReader.Types.ANY,
          (body, over) -> models.embeddings(OllamaRequest.model(body, service.model().id())));
    }
    for (String path : List.of("api/pull", "api/push", "api/create", "api/copy", "api/blobs/*")) {
      refuse(HttpMethods.POST, path);
    }
    refuse(HttpMethods.DELETE, "api/delete");
  }

  /** All paths, without the slash that each begins with. */
  Set<String> paths() {
    return routes.keySet();
  }

  private void get(String path, Supplier<HttpResponse> handler) {
    get(path, request -> handler.get());
  }

  private void get(String path, Function<HttpRequest, HttpResponse> handler) {
    getRest(path, (request, rest) -> handler.apply(request));
  }

  private void getRest(String path, BiFunction<HttpRequest, String, HttpResponse> handler) {
    getLater(
        path, (request, rest) -> CompletableFuture.completedFuture(handler.apply(request, rest)));
  }

  private void getLater(String path, Supplier<CompletionStage<HttpResponse>> handler) {
    getLater(path, (request, rest) -> handler.get());
  }

  private void getLater(
      String path, BiFunction<HttpRequest, String, CompletionStage<HttpResponse>> handler) {
    routes.put(
        path,
        (request, rest, over) -> {
          if (!request.method().equals(HttpMethods.GET)
              && !request.method().equals(HttpMethods.HEAD)) {
            throw methodNotAllowed(request, "GET, HEAD");
          }
          CompletionStage<HttpResponse> answer = handler.apply(request, rest);
          bodies.discard(request);
          return answer;
        });
  }

  /** A path whose requests have a JSON object as their body. */
  private void post(
      String path,
      BiFunction<Fields, CompletionStage<Done>, CompletionStage<HttpResponse>> handler) {
    post(path, BodyReader.Types.JSON, handler);
  }

  private void post(
      String path,
      BodyReader.Types types,
      BiFunction<Fields, CompletionStage<Done>, CompletionStage<HttpResponse>> handler) {
    routes.put(
        path,
        (request, rest, over) -> {
          if (!request.method().equals(HttpMethods.POST)) {
            throw methodNotAllowed(request, "POST");
          }
          return bodies.read(request, types).thenCompose(body -> handler.apply(body, over));
        });
  }

  /** A path by which Ollama's clients would change what is served. */
  private void refuse(HttpMethod method, String path) {
    routes.put(
        path,
        (request, rest, over) -> {
          throw request.method().equals(method)
              ? OllamaModels.unmanaged(path)
              : methodNotAllowed(request, method.value());
        });
  }

  /** Answers a request; throws an ApiException if there is nothing at the path. */
  CompletionStage<HttpResponse> handle(
      HttpRequest request, String path, CompletionStage<Done> over) {
    Route exact = routes.get(path);
    if (exact != null) {
      return exact.handle(request, "", over);
    }
    // The longest path with a star: "a/b/*" before "a/*".
    for (int slash = path.lastIndexOf('/'); slash >= 0; slash = path.lastIndexOf('/', slash - 1)) {
      Route route = routes.get(path.substring(0, slash) + REST);
      if (route != null) {
        return route.handle(request, path.substring(slash + 1), over);
      }
    }
    throw ApiException.of(StatusCodes.NOT_FOUND, "there is nothing at /" + path, "not_found");
  }

  private static ApiException methodNotAllowed(HttpRequest request, String allowed) {
    return ApiException.of(
        StatusCodes.METHOD_NOT_ALLOWED,
        request.method().value() + " is not allowed here; use " + allowed,
        "method_not_allowed",
        RawHeader.create("Allow", allowed));
  }
}
