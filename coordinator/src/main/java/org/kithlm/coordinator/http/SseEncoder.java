package org.kithlm.coordinator.http;

import java.util.List;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.util.ByteString;
import org.apache.pekko.util.ByteStringBuilder;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/** Writes one answer as server-sent events (WHATWG HTML, section 9.2). Owned by its stream. */
final class SseEncoder implements StreamEncoder {
  /** A comment, which every client skips. */
  private static final ByteString KEEP_ALIVE = ByteString.fromString(": keep-alive\n\n");

  private static final ByteString DATA = ByteString.fromString("data: ");
  private static final ByteString END = ByteString.fromString("\n\n");

  private final AnswerFormat format;
  private final CompletionOptions options;

  SseEncoder(AnswerFormat format, CompletionOptions options) {
    this.format = format;
    this.options = options;
  }

  @Override
  public ContentType contentType() {
    return MediaTypes.TEXT_EVENT_STREAM.toContentType();
  }

  @Override
  public ByteString keepAlive() {
    return KEEP_ALIVE;
  }

  @Override
  public ByteString opening() {
    ByteStringBuilder openings = new ByteStringBuilder();
    for (int choice = 0; choice < options.choices().count(); choice++) {
      Object opening = format.opening(choice);
      if (opening != null) {
        openings.append(event(opening));
      }
    }
    return openings.result();
  }

  /** Empty while its text is held back, unless log probabilities are due. */
  @Override
  public ByteString token(int choice, Token token) {
    return token.text().isEmpty() && !options.logprobs()
        ? ByteString.emptyByteString()
        : events(format.part(choice, token.text(), token));
  }

  @Override
  public ByteString choiceFinished(int choice, FinishReason reason, String tail) {
    ByteStringBuilder events = new ByteStringBuilder();
    if (!tail.isEmpty()) {
      events.append(events(format.part(choice, tail, null)));
    }
    events.append(events(format.last(choice, reason)));
    return events.result();
  }

  @Override
  public ByteString finished(Usage usage) {
    ByteString counts =
        options.includeUsage() ? event(format.usage(usage)) : ByteString.emptyByteString();
    return counts.concat(DATA).concat(ByteString.fromString("[DONE]")).concat(END);
  }

  @Override
  public ByteString failed(ApiException failure) {
    return ByteString.fromString("event: error\n").concat(event(ErrorResponses.body(failure)));
  }

  private static ByteString events(List<?> values) {
    ByteStringBuilder events = new ByteStringBuilder();
    values.forEach(value -> events.append(event(value)));
    return events.result();
  }

  private static ByteString event(Object value) {
    return DATA.concat(ByteString.fromArrayUnsafe(Json.bytes(value))).concat(END);
  }
}
