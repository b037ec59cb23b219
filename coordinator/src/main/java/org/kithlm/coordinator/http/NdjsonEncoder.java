package org.kithlm.coordinator.http;

import java.util.List;
import java.util.Map;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.util.ByteString;
import org.apache.pekko.util.ByteStringBuilder;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/**
 * Writes one of Ollama's answers, a line of JSON for each part; it has one choice. Owned by its
 * stream.
 */
final class NdjsonEncoder implements StreamEncoder {
  private static final ContentType TYPE =
      MediaTypes.customWithFixedCharset(
              "application", "x-ndjson", HttpCharsets.UTF_8, Map.of(), false)
          .toContentType();
  private static final ByteString END = ByteString.fromString("\n");

  /** A blank before a line's JSON, which is none of its own: an empty line would break clients. */
  private static final ByteString KEEP_ALIVE = ByteString.fromString(" ");

  private final OllamaFormat format;
  private FinishReason reason = FinishReason.STOP;

  NdjsonEncoder(OllamaFormat format) {
    this.format = format;
  }

  @Override
  public ContentType contentType() {
    return TYPE;
  }

  @Override
  public ByteString keepAlive() {
    return KEEP_ALIVE;
  }

  @Override
  public ByteString opening() {
    return ByteString.emptyByteString();
  }

  @Override
  public ByteString token(int choice, Token token) {
    return lines(format.parts(token.text()));
  }

  @Override
  public ByteString choiceFinished(int choice, FinishReason why, String tail) {
    reason = why;
    return lines(format.parts(tail));
  }

  @Override
  public ByteString finished(Usage usage) {
    return lines(format.last(reason, usage));
  }

  @Override
  public ByteString failed(ApiException failure) {
    return line(new ErrorResponses.OllamaBody(String.valueOf(failure.getMessage())));
  }

  private static ByteString lines(List<?> values) {
    ByteStringBuilder lines = new ByteStringBuilder();
    values.forEach(value -> lines.append(line(value)));
    return lines.result();
  }

  private static ByteString line(Object value) {
    return ByteString.fromArrayUnsafe(Json.bytes(value)).concat(END);
  }
}
