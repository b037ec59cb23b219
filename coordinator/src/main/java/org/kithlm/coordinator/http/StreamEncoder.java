package org.kithlm.coordinator.http;

import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.util.ByteString;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/** Writes one answer as a stream of bytes. Owned by its stream. */
interface StreamEncoder {
  /** What the stream is. */
  ContentType contentType();

  /** Bytes that mean nothing to a client, between any two other parts. */
  ByteString keepAlive();

  /** What comes before the first token; may be empty. */
  ByteString opening();

  /** A token of a choice; may be empty while its text is held back. */
  ByteString token(int choice, Token token);

  /** The end of a choice. */
  ByteString choiceFinished(int choice, FinishReason reason, String tail);

  /** The end of a whole answer. */
  ByteString finished(Usage usage);

  /** The end of an answer that failed. */
  ByteString failed(ApiException failure);
}
