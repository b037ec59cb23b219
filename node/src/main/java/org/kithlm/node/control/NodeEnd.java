package org.kithlm.node.control;

/**
 * Why a node's actor ended.
 *
 * @param kind what happened
 * @param message for the user
 */
public record NodeEnd(Kind kind, String message) {
  /** What happened. */
  public enum Kind {
    /** The coordinator does not want the node. */
    REFUSED,
    /** No coordinator answered. */
    UNREACHABLE,
    /** The coordinator's process is gone. */
    COORDINATOR_LOST,
    /** The coordinator ended the node. */
    SHUT_DOWN
  }
}
