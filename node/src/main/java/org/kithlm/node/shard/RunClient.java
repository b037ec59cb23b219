package org.kithlm.node.shard;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.NodeMessage.ByteRun;

/** Reads runs of bytes of one file over HTTP. Thread-safe. */
final class RunClient implements AutoCloseable {
  private static final int OK = 200;
  private static final int TRIES = 3;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  private final HttpClient client;
  private final URI uri;
  private final Duration timeout;

  /**
   * A client for one file.
   *
   * @param tls whom to trust, and who one is
   * @param timeout of each try of a read, body included
   */
  RunClient(String url, SSLContext tls, Duration timeout) {
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .sslContext(tls)
            .build();
    this.uri = URI.create(url);
    this.timeout = timeout;
  }

  /**
   * Reads runs, trying again after a broken connection.
   *
   * @param runs at most {@link RunsRequest#RUNS_MAX}
   * @return the bytes of all, in order
   * @throws IOException if they can't be had; the message names host and first offset
   */
  byte[] read(List<ByteRun> runs) throws IOException, InterruptedException {
    int lengthBytes = Math.toIntExact(runs.stream().mapToLong(ByteRun::lengthBytes).sum());
    for (int i = 1; ; i++) {
      try {
        return tryRead(runs, lengthBytes);
      } catch (IOException e) {
        if (i == TRIES || e instanceof UnexpectedStatusException) {
          throw new IOException(
              "cannot fetch %d bytes at offset %d of the pack, and on, from %s: %s"
                  .formatted(
                      lengthBytes,
                      runs.getFirst().offsetBytes(),
                      uri.getAuthority(),
                      e.getMessage()),
              e);
        }
      }
    }
  }

  private byte[] tryRead(List<ByteRun> runs, int lengthBytes)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .POST(HttpRequest.BodyPublishers.ofByteArray(RunsRequest.write(runs)))
            .build();
    byte[] body = send(request, lengthBytes);
    if (body.length != lengthBytes) {
      throw new IOException("the answer has " + body.length + " bytes instead of " + lengthBytes);
    }
    return body;
  }

  /** The request's own timeout would end with the headers; this one covers the body too. */
  private byte[] send(HttpRequest request, int lengthBytes)
      throws IOException, InterruptedException {
    CompletableFuture<HttpResponse<byte[]>> answer = client.sendAsync(request, body(lengthBytes));
    try {
      return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS).body();
    } catch (TimeoutException e) {
      throw new IOException("no whole answer within " + timeout.toMillis() + " ms", e);
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    } finally {
      answer.cancel(true);
    }
  }

  /** Refuses another status before its body, and more than what was asked for. */
  private static BodyHandler<byte[]> body(int lengthBytes) {
    BodyHandler<byte[]> limited = BodyHandlers.limiting(BodyHandlers.ofByteArray(), lengthBytes);
    return info -> {
      if (info.statusCode() != OK) {
        throw new UncheckedIOException(new UnexpectedStatusException(info.statusCode()));
      }
      return limited.apply(info);
    };
  }

  private static IOException failure(@Nullable Throwable cause) {
    for (Throwable inner = cause; inner != null; inner = inner.getCause()) {
      if (inner instanceof UnexpectedStatusException status) {
        return status;
      }
    }
    String message = cause instanceof ConnectException ? "cannot connect" : Causes.message(cause);
    return new IOException(message, cause);
  }

  /** The server has no such runs or file; asking again does not help. */
  private static final class UnexpectedStatusException extends IOException {
    private static final long serialVersionUID = 1;

    UnexpectedStatusException(int status) {
      super("status " + status + " instead of " + OK);
    }
  }

  /** Ends requests under way too. */
  @Override
  public void close() {
    client.shutdownNow();
  }
}
