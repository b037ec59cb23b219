package org.kithlm.coordinator.generation;

/** Why a generation ended without an error. */
public enum FinishReason {
  /** The model ended its turn, a stop string was met, or a constrained answer is whole. */
  STOP,
  /** The token limit or the context's end was met. */
  LENGTH,
  /** The caller cancelled it. */
  CANCELLED
}
