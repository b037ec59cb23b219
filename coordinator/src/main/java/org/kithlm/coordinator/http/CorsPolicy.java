package org.kithlm.coordinator.http;

import java.util.Set;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.jspecify.annotations.Nullable;

/**
 * Which web pages may ask: the endpoint's own, those served by this machine, those configured. A
 * request of any other page is refused, not only its answer hidden. Thread-safe.
 */
final class CorsPolicy {
  private static final Pattern LOCAL_ORIGIN =
      Pattern.compile("https?://(localhost|127\\.0\\.0\\.1|\\[::1])(:[0-9]{1,5})?");

  private final Set<String> allowedOrigins;

  CorsPolicy(Set<String> allowedOrigins) {
    this.allowedOrigins = allowedOrigins;
  }

  void check(HttpRequest request) {
    String origin = header(request, "Origin");
    if (origin == null
        || allowedOrigins.contains(origin)
        || LOCAL_ORIGIN.matcher(origin).matches()
        || origin.equals("http://" + header(request, "Host"))) {
      return;
    }
    throw ApiException.of(
        StatusCodes.FORBIDDEN,
        "web pages of " + origin + " may not use this endpoint; add it to the allowed origins",
        "origin_not_allowed");
  }

  /** The answer to a browser that asks whether it may ask. */
  static HttpResponse preflight(HttpRequest request) {
    HttpResponse response =
        HttpResponse.create()
            .withStatus(StatusCodes.NO_CONTENT)
            .addHeader(RawHeader.create("Access-Control-Allow-Methods", "GET, POST, OPTIONS"))
            .addHeader(RawHeader.create("Access-Control-Max-Age", "600"));
    String headers = header(request, "Access-Control-Request-Headers");
    return headers == null
        ? response
        : response.addHeader(RawHeader.create("Access-Control-Allow-Headers", headers));
  }

  /** Marks an answer to a page that passed {@link #check}. */
  static HttpResponse allow(HttpRequest request, HttpResponse response) {
    String origin = header(request, "Origin");
    return origin == null
        ? response
        : response
            .addHeader(RawHeader.create("Access-Control-Allow-Origin", origin))
            .addHeader(RawHeader.create("Vary", "Origin"))
            .addHeader(
                RawHeader.create("Access-Control-Expose-Headers", "Retry-After, x-should-retry"));
  }

  private static @Nullable String header(HttpRequest request, String name) {
    return request.getHeader(name).map(h -> h.value()).orElse(null);
  }
}
