package org.kithlm.model.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * The text of an answer while it is generated, in whole characters: the bytes of one may come in
 * several tokens. Bytes that are not UTF-8 become U+FFFD as soon as that is certain. Control tokens
 * have no text. One thread, one answer.
 */
public final class StreamingDetokenizer {
  private final Tokenizer tokenizer;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private byte[] partial = {}; // the start of a character, at most 3 bytes

  /** Starts an answer. */
  public StreamingDetokenizer(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** The text that a token completes, often empty. */
  public String accept(int id) {
    return tokenizer.isControl(id) ? "" : decode(tokenizer.tokenBytes(id), false);
  }

  /** Ends the answer: a character that was left incomplete becomes U+FFFD. */
  public String flush() {
    return decode(new byte[0], true);
  }

  private String decode(byte[] bytes, boolean last) {
    ByteBuffer in = ByteBuffer.allocate(partial.length + bytes.length);
    in.put(partial).put(bytes).flip();
    CharBuffer out = CharBuffer.allocate(in.remaining()); // a byte gives at most one char
    decoder.reset();
    decoder.decode(in, out, last);
    partial = new byte[in.remaining()];
    in.get(partial);
    return out.flip().toString();
  }
}
