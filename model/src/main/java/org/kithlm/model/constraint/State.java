package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far a text has come in a grammar: one stack of frames for each way to read it. Immutable.
 *
 * @param frames the tops of the stacks, at least one
 */
record State(List<Frame> frames) {
  /** What a further byte leads to, null where it is wrong here. */
  @Nullable State next(int b) {
    Frames next = new Frames();
    for (Frame frame : frames) {
      next.addNext(frame, b);
    }
    List<Frame> found = next.frames();
    if (found.isEmpty()) {
      return null;
    }
    // Most bytes of a string change nothing.
    boolean same =
        found.size() == 1 && frames.size() == 1 && found.getFirst().equals(frames.getFirst());
    return same ? this : new State(found);
  }

  /** What some bytes lead to, null where one of them is wrong. */
  @Nullable State next(byte[] bytes) {
    State state = this;
    for (byte b : bytes) {
      state = state.next(Byte.toUnsignedInt(b));
      if (state == null) {
        return null;
      }
    }
    return state;
  }

  /** Whether the text is whole. */
  boolean isComplete() {
    for (Frame frame : frames) {
      Frame outer = frame;
      while (outer.mayEnd()) {
        outer = outer.parent();
      }
      if (outer == Frame.End.INSTANCE) {
        return true;
      }
    }
    return false;
  }

  /** Whether the text might end anywhere. */
  boolean isFree() {
    return frames.stream().anyMatch(Frame::isFree);
  }

  /** Whether the text is whole and nothing may follow. */
  boolean isFinal() {
    return frames.stream().allMatch(frame -> frame == Frame.End.INSTANCE);
  }

  /** The fewest bytes that make the text whole. */
  byte[] shortestEnd() {
    byte[] shortest = end(frames.getFirst());
    for (Frame frame : frames.subList(1, frames.size())) {
      byte[] other = end(frame);
      shortest = other.length < shortest.length ? other : shortest;
    }
    return shortest;
  }

  private static byte[] end(Frame top) {
    ByteArrayOutputStream end = new ByteArrayOutputStream();
    for (Frame frame = top; frame != Frame.End.INSTANCE; frame = frame.parent()) {
      frame.close(end);
    }
    return end.toByteArray();
  }
}
