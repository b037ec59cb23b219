package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/**
 * A file of a Hugging Face repository: {@code hf:owner/repo/file.gguf}. {@code HF_ENDPOINT} names
 * another hub, {@code HF_TOKEN} opens private and gated repositories. Resumes by range requests as
 * long as the file's entity tag stays the same.
 */
final class HuggingFaceSource implements ModelSource {
  static final String PREFIX = "hf:";

  private static final Pattern REFERENCE =
      Pattern.compile("([\\w.-]+/[\\w.-]+)/((?:[\\w.+-]+/)*[\\w.+-]+\\.gguf)");
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes ([0-9]+)-[0-9]+/[0-9*]+");
  private static final Duration CONNECT_DEADLINE = Duration.ofSeconds(5);
  private static final Duration STALL_DEADLINE = Duration.ofSeconds(30);
  private static final int REDIRECTS_MAX = 5;

  private final String id;
  private final URI uri;
  private final @Nullable String token;
  private final Duration stallDeadline;

  /**
   * Reads the reference.
   *
   * @throws KithException if it is not of the form above
   */
  HuggingFaceSource(String id, Map<String, String> environment) {
    this(id, environment, STALL_DEADLINE);
  }

  /** Tests shorten the deadline between two batches of data. */
  HuggingFaceSource(String id, Map<String, String> environment, Duration stallDeadline) {
    Matcher reference = REFERENCE.matcher(id.substring(PREFIX.length()));
    if (!reference.matches()) {
      throw new KithException(
          ExitCode.USAGE, "\"" + id + "\" is not of the form hf:owner/repo/file.gguf");
    }
    String endpoint = environment.getOrDefault("HF_ENDPOINT", "");
    String base = endpoint.isBlank() ? "https://huggingface.co" : endpoint.replaceFirst("/+$", "");
    this.id = id;
    try {
      this.uri =
          URI.create(base + "/" + reference.group(1) + "/resolve/main/" + reference.group(2));
    } catch (IllegalArgumentException e) {
      throw new KithException(ExitCode.USAGE, "HF_ENDPOINT=" + endpoint + " is not a URL", e);
    }
    String value = environment.getOrDefault("HF_TOKEN", "");
    this.token = value.isBlank() ? null : value.strip();
    this.stallDeadline = stallDeadline;
  }

  @Override
  public void fetch(PartialFile target, Expected expected)
      throws IOException, InterruptedException {
    HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(CONNECT_DEADLINE)
            .followRedirects(HttpClient.Redirect.NEVER) // each hop is looked at, see below
            .build();
    try {
      PartialFile.State known = target.state(id).filter(state -> state.etag() != null).orElse(null);
      long haveBytes = known == null ? 0 : target.lengthBytes();
      HttpResponse<Flow.Publisher<List<ByteBuffer>>> response =
          open(client, haveBytes, known == null ? null : known.etag(), expected);
      if (response.statusCode() == 206 && known != null) {
        checkRange(response, haveBytes);
        target.resume(known, haveBytes);
      } else {
        target.restart(
            new PartialFile.State(id, strongEtag(response), 0, 0, length(response, expected)));
      }
      receive(response, target);
      target.complete();
    } finally {
      client.shutdownNow();
    }
  }

  private HttpResponse<Flow.Publisher<List<ByteBuffer>>> open(
      HttpClient client, long haveBytes, @Nullable String etag, Expected expected)
      throws InterruptedException {
    URI current = uri;
    for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(current).timeout(stallDeadline).header("User-Agent", "kith");
      if (haveBytes > 0 && etag != null) {
        request.header("Range", "bytes=" + haveBytes + "-").header("If-Range", etag);
      }
      // The token is for the hub alone, not for the storage that it redirects to.
      if (token != null && uri.getAuthority().equals(current.getAuthority())) {
        request.header("Authorization", "Bearer " + token);
      }
      HttpResponse<Flow.Publisher<List<ByteBuffer>>> response;
      try {
        response = client.send(request.build(), HttpResponse.BodyHandlers.ofPublisher());
      } catch (IOException e) {
        throw new KithException(
            ExitCode.UNREACHABLE, current.getAuthority() + " cannot be reached: " + reason(e), e);
      }
      checkLinkedFile(response, expected);
      if (response.statusCode() == 200 || (response.statusCode() == 206 && haveBytes > 0)) {
        return response;
      }
      current = redirect(response, current);
    }
    throw new KithException(
        ExitCode.OTHER, uri + " redirects more than " + REDIRECTS_MAX + " times");
  }

  /** The hub names the SHA-256 of a large file before it redirects to it. */
  private static void checkLinkedFile(HttpResponse<?> response, Expected expected) {
    String linked = response.headers().firstValue("X-Linked-Etag").orElse("").replace("\"", "");
    if (expected.sha256() != null && linked.length() == 64 && !linked.equals(expected.sha256())) {
      throw new KithException(
          ExitCode.OTHER,
          "holds another file: SHA-256 " + linked + ", expected " + expected.sha256());
    }
  }

  private URI redirect(HttpResponse<?> response, URI current) {
    int status = response.statusCode();
    String location = response.headers().firstValue("Location").orElse("");
    if (status >= 300 && status < 400 && !location.isEmpty()) {
      URI next;
      try {
        next = current.resolve(location);
      } catch (IllegalArgumentException e) {
        throw new KithException(ExitCode.OTHER, current + " redirects to \"" + location + "\"", e);
      }
      boolean plain = "http".equals(next.getScheme()) && "http".equals(current.getScheme());
      if (plain || "https".equals(next.getScheme())) {
        return next;
      }
      throw new KithException(ExitCode.OTHER, current + " redirects to " + next + ": not secure");
    }
    throw switch (status) {
      case 401, 403 ->
          new KithException(
              ExitCode.NOT_AUTHORISED,
              uri
                  + " answered "
                  + status
                  + ": no such repository, or it needs a token: "
                  + (token == null ? "set HF_TOKEN" : "HF_TOKEN does not open it"));
      case 404 -> new KithException(ExitCode.OTHER, uri + " does not exist (404)");
      case 416 ->
          new KithException(ExitCode.OTHER, uri + " changed since the download began (416)");
      default ->
          new KithException(
              status >= 500 || status == 429 ? ExitCode.UNREACHABLE : ExitCode.OTHER,
              uri + " answered " + status);
    };
  }

  private void checkRange(HttpResponse<?> response, long haveBytes) {
    String range = response.headers().firstValue("Content-Range").orElse("");
    Matcher matcher = CONTENT_RANGE.matcher(range);
    if (!matcher.matches() || Long.parseLong(matcher.group(1)) != haveBytes) {
      throw new KithException(
          ExitCode.OTHER,
          uri
              + " answered with the range \""
              + range
              + "\", asked for the bytes from "
              + haveBytes);
    }
  }

  private long length(HttpResponse<?> response, Expected expected) {
    long lengthBytes = response.headers().firstValueAsLong("Content-Length").orElse(-1);
    if (lengthBytes < 0) {
      throw new KithException(ExitCode.OTHER, uri + " does not say how long it is");
    }
    if (expected.lengthBytes() >= 0 && lengthBytes != expected.lengthBytes()) {
      throw new KithException(
          ExitCode.OTHER,
          "holds another file: " + lengthBytes + " bytes, expected " + expected.lengthBytes());
    }
    return lengthBytes;
  }

  /** A tag that names exact bytes; a weak one cannot be used to resume. */
  private static @Nullable String strongEtag(HttpResponse<?> response) {
    return response.headers().firstValue("ETag").filter(tag -> tag.startsWith("\"")).orElse(null);
  }

  private void receive(HttpResponse<Flow.Publisher<List<ByteBuffer>>> response, PartialFile target)
      throws IOException, InterruptedException {
    HttpBody body = new HttpBody(stallDeadline);
    response.body().subscribe(body);
    List<ByteBuffer> batch;
    while ((batch = next(body, target)) != null) {
      for (ByteBuffer bytes : batch) {
        target.write(bytes);
      }
    }
  }

  private @Nullable List<ByteBuffer> next(HttpBody body, PartialFile target)
      throws InterruptedException {
    try {
      return body.next();
    } catch (IOException | TimeoutException e) {
      throw new KithException(
          ExitCode.UNREACHABLE,
          uri.getAuthority()
              + " broke off after "
              + ByteSize.format(target.lengthBytes())
              + " ("
              + reason(e)
              + "); pull again to go on from there",
          e);
    }
  }

  private static String reason(Exception e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }
}
