package org.kithlm.node.shard;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Runs one load on a thread of its own, so that no actor waits for a disk. */
public final class LoadThread {
  private LoadThread() {}

  /** Starts a load; failures of any kind end up in the result. */
  public static <T> CompletionStage<T> start(String name, Callable<T> load) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread.ofPlatform()
        .name(name)
        .daemon()
        .start(
            () -> {
              try {
                result.complete(load.call());
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                result.completeExceptionally(e);
              } catch (Exception | OutOfMemoryError e) {
                result.completeExceptionally(e);
              }
            });
    return result;
  }
}
