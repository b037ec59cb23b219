package org.kithlm.coordinator.http;

import java.util.UUID;
import java.util.concurrent.CompletionException;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCode;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns any failure into an answer: the error object of OpenAI's API, or Ollama's. */
final class ErrorResponses {
  /** The body of every answer that is not a success. */
  record Body(Detail error) {}

  /** Its one field. */
  record Detail(String message, String type, @Nullable String param, @Nullable String code) {}

  /** The same for Ollama's API, whose clients want a line of text. */
  record OllamaBody(String error) {}

  private static final Logger LOG = LoggerFactory.getLogger(ErrorResponses.class);

  private ErrorResponses() {}

  static HttpResponse of(Throwable failure) {
    ApiException told = told(failure);
    return Json.response(told.status(), body(told), told.headers());
  }

  static HttpResponse ofOllama(Throwable failure) {
    ApiException told = told(failure);
    return Json.response(
        told.status(), new OllamaBody(String.valueOf(told.getMessage())), told.headers());
  }

  /** What the client is told. */
  private static ApiException told(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause instanceof ApiException api ? api : unexpected(cause);
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
  private static ApiException unexpected(Throwable cause) {
    String incident = UUID.randomUUID().toString();
    LOG.error("request failed, incident {}", incident, cause);
    return ApiException.of(
        StatusCodes.INTERNAL_SERVER_ERROR,
        "internal error; look for " + incident + " in the log",
        null,
        RawHeader.create("x-should-retry", "false"));
  }
}
