package org.kithlm.coordinator.generation;

import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.RankStatistics;

/**
 * What the engine does at one moment.
 *
 * @param queued requests that wait for their turn
 * @param timing of the running generation, or of the last one; null before the first
 * @param rootStatistics what rank 0 has used in this epoch, null while there is none
 */
public record EngineStatus(
    int queued, @Nullable GenerationTiming timing, @Nullable RankStatistics rootStatistics) {}
