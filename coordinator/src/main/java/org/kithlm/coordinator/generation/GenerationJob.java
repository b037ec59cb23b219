package org.kithlm.coordinator.generation;

/**
 * One request in the engine. Cancelled from any thread; the rest belongs to the engine's thread.
 */
final class GenerationJob implements Generation {
  final GenerationRequest request;
  final GenerationListener listener;
  private final Runnable onCancel;
  private volatile boolean cancelled;

  GenerationJob(GenerationRequest request, GenerationListener listener, Runnable onCancel) {
    this.request = request;
    this.listener = listener;
    this.onCancel = onCancel;
  }

  @Override
  public void cancel() {
    cancelled = true;
    onCancel.run();
  }

  boolean isCancelled() {
    return cancelled;
  }
}
