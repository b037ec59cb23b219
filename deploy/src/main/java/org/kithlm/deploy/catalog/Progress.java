package org.kithlm.deploy.catalog;

/** Follows a pull. Called from the thread that pulls; must not block. */
public interface Progress {
  /**
   * A phase begins; an earlier one is over.
   *
   * @param what for example "downloading"
   * @param doneBytes what is there already
   * @param totalBytes all of it, or -1 where that is not known
   */
  void begin(String what, long doneBytes, long totalBytes);

  /** The phase has come this far. */
  void advance(long doneBytes);

  /** The last phase is over, well or not. */
  void end();

  /** Something the user should know. */
  void notice(String line);
}
