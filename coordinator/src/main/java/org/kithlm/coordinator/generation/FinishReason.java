package org.kithlm.coordinator.generation;

/** Why a text ended without an error. */
public enum FinishReason {
  /** The model ended its turn, a stop string was met, or a constrained answer is whole. */
  STOP,
  /** The token limit or the context's end was met. */
  LENGTH,
  /** Another text of the same request had ended, and only the first was asked for. */
  ABANDONED
}
