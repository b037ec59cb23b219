package org.kithlm.model.pack;

/** Hears how far the writing of a pack has come, on the thread that writes. */
@FunctionalInterface
public interface ProgressListener {
  /**
   * Called after each few MiB.
   *
   * @param doneBytes written so far
   * @param totalBytes to be written in all
   */
  void progress(long doneBytes, long totalBytes);
}
