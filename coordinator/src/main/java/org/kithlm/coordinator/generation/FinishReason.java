package org.kithlm.coordinator.generation;

/** Why a generation ended without an error. */
public enum FinishReason {
  /** The model ended its turn, or a stop string was met. */
  STOP,
  /** The token limit or the context's end was met. */
  LENGTH,
  /** The caller cancelled it. */
  CANCELLED
}
