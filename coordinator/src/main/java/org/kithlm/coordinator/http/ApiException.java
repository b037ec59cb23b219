package org.kithlm.coordinator.http;

import java.util.List;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.StatusCode;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.GenerationRefusedException;

/** A request that gets an error answer: its status, the fields of the error object, its headers. */
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Seconds after which a client may ask again: about one short answer. */
  private static final String RETRY_AFTER_SEC = "5";

  private final transient StatusCode status;
  private final @Nullable String param;
  private final @Nullable String code;
  private final transient List<HttpHeader> headers;

  private ApiException(
      StatusCode status,
      String message,
      @Nullable String param,
      @Nullable String code,
      HttpHeader... headers) {
    super(message, null, false, false);
    this.status = status;
    this.param = param;
    this.code = code;
    this.headers = List.of(headers);
  }

  static ApiException of(
      StatusCode status, String message, @Nullable String code, HttpHeader... headers) {
    return new ApiException(status, message, null, code, headers);
  }

  static ApiException badRequest(String message, @Nullable String param) {
    return new ApiException(StatusCodes.BAD_REQUEST, message, param, null);
  }

  static ApiException unsupported(String param, String detail) {
    return new ApiException(
        StatusCodes.BAD_REQUEST,
        param + " is not supported: " + detail,
        param,
        "unsupported_parameter");
  }

  /** A request for a model, or for none, where another one is served. */
  static ApiException modelNotServed(@Nullable String model, String served) {
    return new ApiException(
        StatusCodes.NOT_FOUND,
        (model == null ? "model is missing" : "the model '" + model + "' is not served here")
            + "; this endpoint serves '"
            + served
            + "'",
        "model",
        "model_not_found");
  }

  static ApiException notReady(String detail) {
    return new ApiException(
        StatusCodes.SERVICE_UNAVAILABLE,
        "the model is not ready: " + detail,
        null,
        "not_ready",
        RawHeader.create("Retry-After", RETRY_AFTER_SEC));
  }

  /** A failure after work was done: asking again would only repeat the prefill. */
  static ApiException generationFailed(StatusCode status, String message) {
    return new ApiException(
        status, message, null, "generation_failed", RawHeader.create("x-should-retry", "false"));
  }

  /** What the engine refused; {@code promptParam} is the request's field with the prompt. */
  static ApiException refused(GenerationRefusedException refusal, String promptParam) {
    String message = String.valueOf(refusal.getMessage());
    return switch (refusal.reason()) {
      case INVALID -> badRequest(message, promptParam);
      case CONTEXT_LENGTH_EXCEEDED ->
          new ApiException(
              StatusCodes.BAD_REQUEST, message, promptParam, "context_length_exceeded");
      case TOO_MANY_CHOICES -> badRequest(message, "n");
      case QUEUE_FULL ->
          new ApiException(
              StatusCodes.TOO_MANY_REQUESTS,
              message,
              null,
              "queue_full",
              RawHeader.create("Retry-After", RETRY_AFTER_SEC));
      case NOT_READY -> notReady(message);
    };
  }

  StatusCode status() {
    return status;
  }

  @Nullable String param() {
    return param;
  }

  @Nullable String code() {
    return code;
  }

  List<HttpHeader> headers() {
    return headers;
  }
}
