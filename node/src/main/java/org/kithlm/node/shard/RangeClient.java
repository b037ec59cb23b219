package org.kithlm.node.shard;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Reads byte ranges of one file over HTTP. Thread-safe. */
final class RangeClient implements AutoCloseable {
  private static final int PARTIAL_CONTENT = 206;
  private static final int TRIES = 3;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(60);

  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_TIMEOUT)
          .build();
  private final URI uri;

  RangeClient(String url) {
    uri = URI.create(url);
  }

  /**
   * Reads a range, trying again after a broken connection.
   *
   * @throws IOException if it can't be had; the message names host and range
   */
  byte[] read(long offsetBytes, int lengthBytes) throws IOException, InterruptedException {
    IOException last = null;
    for (int i = 0; i < TRIES; i++) {
      try {
        return tryRead(offsetBytes, lengthBytes);
      } catch (IOException e) {
        last = e;
      }
    }
    throw new IOException(
        "cannot fetch bytes "
            + offsetBytes
            + " to "
            + (offsetBytes + lengthBytes)
            + " of the pack from "
            + uri.getAuthority()
            + ": "
            + (last == null ? "" : last.getMessage()),
        last);
  }

  private byte[] tryRead(long offsetBytes, int lengthBytes)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .header("Range", "bytes=" + offsetBytes + "-" + (offsetBytes + lengthBytes - 1))
            .timeout(REQUEST_TIMEOUT)
            .build();
    HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    if (response.statusCode() != PARTIAL_CONTENT || response.body().length != lengthBytes) {
      throw new IOException(
          "status " + response.statusCode() + " with " + response.body().length + " bytes");
    }
    return response.body();
  }

  @Override
  public void close() {
    client.close();
  }
}
