package org.kithlm.transport.frame;

import org.jspecify.annotations.Nullable;

/** What a frame is for. */
public enum FrameKind {
  /** Leaf to root, repeated until answered, and the root's answer; carries the session's limits. */
  HELLO(1),
  /** Leaf to root: the root's hello arrived, steps may begin. */
  READY(2),
  /** Root to leaf: part of a step's hidden state. */
  HIDDEN(3),
  /** Leaf to root: part of a partial sum. */
  PARTIAL(4),
  /** Root to leaf: part of the sum over all ranks. */
  SUM(5),
  /** Root to leaf: the step is over. */
  ABORT(6),
  /** Either way: the sender closes its session. */
  BYE(7);

  private static final FrameKind[] VALUES = values();

  private final int code;

  FrameKind(int code) {
    this.code = code;
  }

  /** The number on the wire. */
  int code() {
    return code;
  }

  /** The kind with a number, or null where there is none. */
  static @Nullable FrameKind ofCode(int code) {
    for (FrameKind kind : VALUES) {
      if (kind.code == code) {
        return kind;
      }
    }
    return null;
  }
}
