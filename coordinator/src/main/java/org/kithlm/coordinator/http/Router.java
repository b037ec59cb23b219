package org.kithlm.coordinator.http;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.status.ClusterSource;

/** Takes a request through the access rules to its handler. Thread-safe. */
final class Router {
  private static final String MODEL_PATH = "v1/models/";

  private final AccessRules access;
  private final CorsPolicy cors;
  private final BodyReader bodies;
  private final ChatHandler chat;
  private final CompletionHandler completions;
  private final ModelHandler models;
  private final ClusterHandler cluster;
  private final PageFiles page = new PageFiles();

  Router(
      ActorSystem<?> system,
      ChatService service,
      ClusterSource source,
      EndpointSettings settings,
      AccessRules access) {
    this.access = access;
    this.cors = new CorsPolicy(settings.allowedOrigins());
    this.bodies = new BodyReader(system, settings.limits());
    Answers answers = new Answers(system, service, settings.limits());
    this.chat = new ChatHandler(service, answers);
    this.completions = new CompletionHandler(service, answers);
    this.models = new ModelHandler(service);
    this.cluster = new ClusterHandler(service, source);
  }

  /**
   * Answers a request, whatever happens.
   *
   * @param over completes when the answer is sent or the client has gone
   */
  CompletionStage<HttpResponse> handle(HttpRequest request, CompletionStage<Done> over) {
    try {
      access.checkHost(request);
      cors.check(request);
    } catch (ApiException e) {
      return CompletableFuture.completedFuture(withoutBody(request, ErrorResponses.of(e)));
    }
    return route(request, over)
        .exceptionally(ErrorResponses::of)
        .thenApply(response -> CorsPolicy.allow(request, response));
  }

  private CompletionStage<HttpResponse> route(HttpRequest request, CompletionStage<Done> over) {
    try {
      // A browser sends no credentials when it asks whether it may.
      if (request.method().equals(HttpMethods.OPTIONS)) {
        return CompletableFuture.completedFuture(
            withoutBody(request, CorsPolicy.preflight(request)));
      }
      String path = path(request);
      if (path.isEmpty()) {
        return get(request, () -> page.root(request));
      }
      if (path.startsWith(PageFiles.FOLDER)) {
        return get(request, () -> page.file(request, path.substring(PageFiles.FOLDER.length())));
      }
      access.checkKey(request);
      return switch (path) {
        case "v1/chat/completions" -> post(request, over, chat::handle);
        case "v1/completions" -> post(request, over, completions::handle);
        case "v1/models" -> get(request, models::list);
        case "health" -> get(request, models::health);
        case "api/kith/cluster" -> getLater(request, cluster::get);
        default -> {
          if (!path.startsWith(MODEL_PATH)) {
            throw ApiException.of(
                StatusCodes.NOT_FOUND, "there is nothing at /" + path, "not_found");
          }
          yield get(request, () -> models.get(path.substring(MODEL_PATH.length())));
        }
      };
    } catch (RuntimeException e) {
      return CompletableFuture.completedFuture(withoutBody(request, ErrorResponses.of(e)));
    }
  }

  private CompletionStage<HttpResponse> post(
      HttpRequest request,
      CompletionStage<Done> over,
      BiFunction<Fields, CompletionStage<Done>, CompletionStage<HttpResponse>> handler) {
    if (!request.method().equals(HttpMethods.POST)) {
      throw methodNotAllowed(request, "POST");
    }
    return bodies.read(request).thenCompose(body -> handler.apply(body, over));
  }

  private CompletionStage<HttpResponse> get(HttpRequest request, Supplier<HttpResponse> handler) {
    return getLater(request, () -> CompletableFuture.completedFuture(handler.get()));
  }

  private CompletionStage<HttpResponse> getLater(
      HttpRequest request, Supplier<CompletionStage<HttpResponse>> handler) {
    if (!request.method().equals(HttpMethods.GET) && !request.method().equals(HttpMethods.HEAD)) {
      throw methodNotAllowed(request, "GET, HEAD");
    }
    CompletionStage<HttpResponse> answer = handler.get();
    bodies.discard(request);
    return answer;
  }

  private static ApiException methodNotAllowed(HttpRequest request, String allowed) {
    return ApiException.of(
        StatusCodes.METHOD_NOT_ALLOWED,
        request.method().value() + " is not allowed here; use " + allowed,
        "method_not_allowed",
        RawHeader.create("Allow", allowed));
  }

  /** Answers without the request's body, which is read and dropped to free the connection. */
  private HttpResponse withoutBody(HttpRequest request, HttpResponse answer) {
    bodies.discard(request);
    return answer;
  }

  /** The decoded path without empty segments, so {@code /v1//models} is {@code v1/models}. */
  private static String path(HttpRequest request) {
    List<String> segments = new ArrayList<>();
    for (String segment : request.getUri().pathSegments()) {
      if (!segment.isEmpty()) {
        segments.add(segment);
      }
    }
    return String.join("/", segments);
  }
}
