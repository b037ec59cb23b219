package org.kithlm.coordinator.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.scaladsl.model.EntityStreamException;
import org.apache.pekko.http.scaladsl.model.EntityStreamSizeException;

/** Reads a JSON object from a request's body, within a size and a time. Thread-safe. */
final class BodyReader {
  /** What a request may say that its body is. */
  enum Types {
    /** JSON, and nothing else. */
    JSON,
    /** Anything, as Ollama's clients need not say: curl calls what it sends a form. */
    ANY
  }

  private final ActorSystem<?> system;
  private final EndpointSettings.Limits limits;

  BodyReader(ActorSystem<?> system, EndpointSettings.Limits limits) {
    this.system = system;
    this.limits = limits;
  }

  /** The body's fields; fails with an ApiException that says what is wrong with it. */
  CompletionStage<Fields> read(HttpRequest request, Types types) {
    String contentType = mediaType(request.entity().getContentType());
    String encoding = request.getHeader("Content-Encoding").map(h -> h.value()).orElse("identity");
    boolean json = types == Types.ANY || contentType.equals("application/json");
    if (!json || !encoding.equalsIgnoreCase("identity")) {
      discard(request);
      return CompletableFuture.failedFuture(
          ApiException.of(
              StatusCodes.UNSUPPORTED_MEDIA_TYPE,
              "the body must be uncompressed application/json, got "
                  + contentType
                  + " in encoding "
                  + encoding,
              "unsupported_media_type"));
    }
    // A length that is known beforehand: Pekko would refuse it as any other broken body.
    if (request.entity().getContentLengthOption().orElse(0) > limits.maxBodyBytes()) {
      discard(request);
      return CompletableFuture.failedFuture(tooLarge());
    }
    return request
        .entity()
        .withSizeLimit(limits.maxBodyBytes())
        .toStrict(limits.body().toMillis(), limits.maxBodyBytes(), system)
        .handleAsync(
            (entity, failure) -> {
              if (failure != null) {
                throw unread(failure);
              }
              return parse(entity.getData().toArrayUnsafe());
            },
            system.executionContext());
  }

  /** Drops a body that nobody wants, up to the size limit; beyond it the connection ends. */
  void discard(HttpRequest request) {
    request.entity().withSizeLimit(limits.maxBodyBytes()).discardBytes(system);
  }

  private static String mediaType(ContentType type) {
    return (type.mediaType().mainType() + "/" + type.mediaType().subType())
        .toLowerCase(Locale.ROOT);
  }

  /** The rest of such a body is on its way, so the connection can't be used again. */
  private RuntimeException unread(Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof EntityStreamSizeException) {
      return tooLarge();
    }
    if (cause instanceof EntityStreamException) {
      return ApiException.of(
          StatusCodes.BAD_REQUEST,
          "the body was cut off or badly chunked",
          null,
          Connection.create("close"));
    }
    if (cause instanceof TimeoutException) {
      return ApiException.of(
          StatusCodes.REQUEST_TIMEOUT,
          "the body did not arrive within " + limits.body().toSeconds() + " s",
          "body_timeout",
          Connection.create("close"));
    }
    return new CompletionException(cause);
  }

  private ApiException tooLarge() {
    return ApiException.of(
        StatusCodes.CONTENT_TOO_LARGE,
        "the body is larger than " + limits.maxBodyBytes() + " bytes",
        "body_too_large",
        Connection.create("close"));
  }

  private static Fields parse(byte[] body) {
    JsonNode root;
    try {
      root = Json.MAPPER.readTree(body);
    } catch (JsonProcessingException e) {
      // Its own message names Jackson's classes and settings; the place is what helps.
      throw ApiException.badRequest(
          e.getLocation() == null
              ? "the body is not valid JSON"
              : "the body is not valid JSON: see line "
                  + e.getLocation().getLineNr()
                  + ", column "
                  + e.getLocation().getColumnNr(),
          null);
    } catch (IOException e) {
      throw ApiException.badRequest("the body is not valid UTF-8", null);
    }
    if (!root.isObject()) {
      throw ApiException.badRequest("the body must be a JSON object", null);
    }
    return new Fields(root);
  }
}
