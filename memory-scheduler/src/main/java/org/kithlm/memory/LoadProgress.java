package org.kithlm.memory;

/** Follows the loading of a store. Called by its reader threads, one at a time. */
@FunctionalInterface
public interface LoadProgress {
  /**
   * More tiles are in memory and checked.
   *
   * @param loadedBytes bytes of tiles loaded so far
   * @param totalBytes bytes of all tiles to load
   */
  void loaded(long loadedBytes, long totalBytes);
}
