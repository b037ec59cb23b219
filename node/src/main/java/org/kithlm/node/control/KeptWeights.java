package org.kithlm.node.control;

import org.jspecify.annotations.Nullable;

/**
 * How far a node has come with weights that it keeps on its disk for other plans.
 *
 * @param keptBytes of them on its disk, those of its own share included
 * @param wantedBytes of all that it is to keep, 0 where that could not be found out
 * @param shortage why it gets no more of them, null if it has all or gets on
 */
public record KeptWeights(long keptBytes, long wantedBytes, @Nullable String shortage) {
  /** Whether nothing is missing. */
  public boolean hasAll() {
    return shortage == null && keptBytes == wantedBytes;
  }
}
