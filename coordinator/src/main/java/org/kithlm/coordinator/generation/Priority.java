package org.kithlm.coordinator.generation;

/** Whose turn it is among requests that wait. */
public enum Priority {
  /** Somebody waits for the answer. */
  INTERACTIVE,
  /** Work beside a chat: runs while nothing interactive waits, and leaves the chat's KV alone. */
  BACKGROUND
}
