package org.kithlm.transport.frame;

import org.jspecify.annotations.Nullable;

/** What a frame is for. */
public enum FrameKind {
  /** To a lower rank, repeated until answered, and the answer; carries the session's limits. */
  HELLO(1),
  /** To a lower rank: its hello arrived, the link may be used. */
  READY(2),
  /** Root to leaf: part of a step's hidden state. */
  HIDDEN(3),
  /** To the rank that adds: part of a partial sum. */
  PARTIAL(4),
  /** From the rank that added: part of the sum over all ranks. */
  SUM(5),
  /** Root to leaf: the step is over. */
  ABORT(6),
  /** To all: the sender closes its session. */
  BYE(7),
  /** To all: the sender lives and waits for another rank. */
  WAITING(8),
  /** Between steps, either way: to be answered. */
  PING(9),
  /** The answer to a ping, or to the last frame of a burst; the step is theirs. */
  PONG(10),
  /** Between steps, either way: part of a vector that only takes time. */
  BURST(11),
  /** Leaf to root: what its links cost. */
  MEASURED(12),
  /** Root to leaf: what all links cost; steps may begin. */
  COSTS(13),
  /** Root to leaf: links are measured; the block is the rank whose turn it is. */
  TURN(14),
  /** Leaf to root: part of its range of a vector that the root collects. */
  GATHER(15);

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
