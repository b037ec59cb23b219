package org.kithlm.coordinator.http;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.metrics.EndpointMetrics;

/** Takes a request through the access rules to its handler. Thread-safe. */
final class Router {
  private final Routes routes;
  private final AccessRules access;
  private final CorsPolicy cors;
  private final BodyReader bodies;
  private final EndpointMetrics metrics;

  /**
   * A router.
   *
   * @param bodies drops what no handler reads
   * @param metrics counts the answers
   */
  Router(
      Routes routes,
      AccessRules access,
      CorsPolicy cors,
      BodyReader bodies,
      EndpointMetrics metrics) {
    this.routes = routes;
    this.access = access;
    this.cors = cors;
    this.bodies = bodies;
    this.metrics = metrics;
  }

  /**
   * Answers a request, whatever happens.
   *
   * @param over completes when the answer is sent or the client has gone
   */
  CompletionStage<HttpResponse> handle(HttpRequest request, CompletionStage<Done> over) {
    CompletionStage<HttpResponse> answer;
    try {
      access.checkHost(request);
      cors.check(request);
      answer =
          route(request, over)
              .exceptionally(failure -> error(request, failure))
              .thenApply(response -> CorsPolicy.allow(request, response));
    } catch (ApiException e) {
      answer = CompletableFuture.completedFuture(withoutBody(request, error(request, e)));
    }
    return answer.thenApply(
        response -> {
          metrics.answered(response.status().intValue());
          return response;
        });
  }

  private CompletionStage<HttpResponse> route(HttpRequest request, CompletionStage<Done> over) {
    try {
      // A browser sends no credentials when it asks whether it may.
      if (request.method().equals(HttpMethods.OPTIONS)) {
        return CompletableFuture.completedFuture(
            withoutBody(request, CorsPolicy.preflight(request)));
      }
      String path = path(request);
      if (!Routes.isOpen(path)) {
        access.checkKey(request);
      }
      return routes.handle(request, path, over);
    } catch (RuntimeException e) {
      return CompletableFuture.completedFuture(withoutBody(request, error(request, e)));
    }
  }

  private static HttpResponse error(HttpRequest request, Throwable failure) {
    return Routes.isOllamas(path(request))
        ? ErrorResponses.ofOllama(failure)
        : ErrorResponses.of(failure);
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
