package org.kithlm.coordinator.status;

import java.util.concurrent.CompletionStage;

/** Tells how the cluster does. Thread-safe. */
@FunctionalInterface
public interface ClusterSource {
  /** The newest status; completes within three seconds and does not fail. */
  CompletionStage<ClusterStatus> status();
}
