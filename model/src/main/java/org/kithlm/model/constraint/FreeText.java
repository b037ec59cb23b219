package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Any text; once it has the marker of a tool call, calls and nothing else. */
final class FreeText extends Value {
  /** Its first byte does not come again in it, so a match that fails begins anew. */
  private static final byte[] MARKER = ToolCallForm.MARKER.getBytes(StandardCharsets.US_ASCII);

  private final ToolCalls calls;

  FreeText(ToolCalls calls) {
    this.calls = calls;
  }

  @Override
  Frame before(Frame parent) {
    return new Text(calls, parent, 0);
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    before(parent).next(b, out);
  }

  @Override
  int measure() {
    return 0;
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {}

  /**
   * Within the text.
   *
   * @param matched bytes of the marker that it ends with
   */
  private record Text(ToolCalls calls, Frame parent, int matched) implements Frame {
    @Override
    public void next(int b, Frames out) {
      int next = b == MARKER[matched] ? matched + 1 : b == MARKER[0] ? 1 : 0;
      if (next == MARKER.length) {
        out.add(calls.behindMarker(parent));
      } else {
        out.add(next == matched ? this : new Text(calls, parent, next));
      }
    }

    @Override
    public boolean mayEnd() {
      return true;
    }

    @Override
    public boolean isFree() {
      return true;
    }

    @Override
    public void close(ByteArrayOutputStream out) {}
  }
}
