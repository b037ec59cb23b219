package org.kithlm.coordinator.generation;

/** A running or queued generation. Thread-safe. */
public interface Generation {
  /** Stops it within one layer; the listener is told that it was cancelled. Idempotent. */
  void cancel();
}
