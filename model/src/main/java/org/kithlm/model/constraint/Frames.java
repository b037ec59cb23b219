package org.kithlm.model.constraint;

import java.util.ArrayList;
import java.util.List;

/**
 * The frames that one byte leads to. Where a schema has alternatives there may be several; those
 * beyond a bound are dropped, which leaves fewer texts but none that is wrong.
 */
final class Frames {
  private static final int MAX = 32;

  private final List<Frame> frames = new ArrayList<>(2);

  void add(Frame frame) {
    if (frames.size() < MAX && !frames.contains(frame)) {
      frames.add(frame);
    }
  }

  /** Adds all that a byte leads to from a frame, or from those around it where it may be over. */
  void addNext(Frame frame, int b) {
    frame.next(b, this);
    if (frame.mayEnd()) {
      addNext(frame.parent(), b);
    }
  }

  List<Frame> frames() {
    return frames;
  }
}
