package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Calls of tools, one or more, in the form of Hermes and Qwen models: between {@code <tool_call>}
 * and {@code </tool_call>} an object with the tool's name and its arguments, on lines of their own.
 */
final class ToolCalls extends Value {
  private final Value body; // behind the marker
  private final Value call;
  private final boolean many;

  /**
   * Calls.
   *
   * @param tools names and arguments, at least one
   * @param many whether further calls may follow
   */
  ToolCalls(List<Cases.Case> tools, boolean many) {
    List<Cases.Case> cases = new ArrayList<>(tools.size());
    Value end = made(new EnumValue(ToolCallForm.BEHIND_ARGUMENTS));
    for (Cases.Case tool : tools) {
      cases.add(
          new Cases.Case(
              tool.text() + ToolCallForm.BEHIND_NAME,
              made(new Sequence(List.of(tool.then(), end)))));
    }
    body =
        made(
            new Sequence(
                List.of(made(new EnumValue(ToolCallForm.BEFORE_NAME)), made(new Cases(cases)))));
    call = made(new Sequence(List.of(made(new EnumValue(ToolCallForm.MARKER)), body)));
    this.many = many;
  }

  private static Value made(Value value) {
    value.improve();
    return value;
  }

  @Override
  void open(int b, Frame parent, Frames out) {
    call.open(b, behindCall(parent), out);
  }

  /** Goes on behind a marker. */
  Frame behindMarker(Frame parent) {
    return body.before(behindCall(parent));
  }

  private Frame behindCall(Frame parent) {
    return many ? new More(this, parent) : parent;
  }

  @Override
  int measure() {
    return call.shortestBytes();
  }

  @Override
  void writeShortest(ByteArrayOutputStream out) {
    call.writeShortest(out);
  }

  /** Behind a call: another one, or the end. */
  private record More(ToolCalls value, Frame parent) implements Frame {
    @Override
    public void next(int b, Frames out) {
      if (b == '\n') {
        out.add(new Expect(value, parent, false));
      }
    }

    @Override
    public boolean mayEnd() {
      return true;
    }

    @Override
    public void close(ByteArrayOutputStream out) {}
  }
}
