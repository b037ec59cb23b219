package org.kithlm.model.kernel;

/**
 * A fixed set of threads that share one piece of work at a time. Owned by the thread that calls
 * {@link #run}, which takes a part itself.
 */
public interface Workers extends AutoCloseable {
  /** A share of a piece of work; called once for each index, on any of the threads. */
  @FunctionalInterface
  interface Part {
    /**
     * Does a share.
     *
     * @param index which one, 0 to {@code count - 1}
     * @param count of shares
     */
    void run(int index, int count);
  }

  /** Threads, the caller's included; at least 1. */
  int count();

  /**
   * Runs all parts and returns when the last has ended; what they wrote is then visible to the
   * caller.
   *
   * @throws RuntimeException that of a part, once all have ended
   */
  void run(Part part);

  /** Ends the threads. */
  @Override
  void close();

  /** Only the caller's thread. */
  static Workers alone() {
    return new Workers() {
      @Override
      public int count() {
        return 1;
      }

      @Override
      public void run(Part part) {
        part.run(0, 1);
      }

      @Override
      public void close() {}
    };
  }
}
