package org.kithlm.coordinator.http;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCode;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns any failure into the error object of OpenAI's API. */
final class ErrorResponses {
  /** The body of every answer that is not a success. */
  record Body(Detail error) {}

  /** Its one field. */
  record Detail(String message, String type, @Nullable String param, @Nullable String code) {}

  private static final Logger LOG = LoggerFactory.getLogger(ErrorResponses.class);

  private ErrorResponses() {}

  static HttpResponse of(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause instanceof ApiException api
        ? Json.response(api.status(), body(api), api.headers())
        : unexpected(cause);
  }

  static Body body(ApiException e) {
    return body(e.status(), String.valueOf(e.getMessage()), e.param(), e.code());
  }

  static Body body(
      StatusCode status, String message, @Nullable String param, @Nullable String code) {
    String type = status.intValue() >= 500 ? "server_error" : "invalid_request_error";
    return new Body(new Detail(message, type, param, code));
  }

  /** Our own fault: the log gets the cause, the client a number to find it by. */
  private static HttpResponse unexpected(Throwable cause) {
    String incident = UUID.randomUUID().toString();
    LOG.error("request failed, incident {}", incident, cause);
    StatusCode status = StatusCodes.INTERNAL_SERVER_ERROR;
    return Json.response(
        status,
        body(status, "internal error; look for " + incident + " in the log", null, null),
        List.of(RawHeader.create("x-should-retry", "false")));
  }
}
