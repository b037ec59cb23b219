package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.util.List;

/**
 * A list that several threads, and maybe processes, change one after the other.
 *
 * @param <T> immutable entries
 */
interface Ledger<T> {
  /** A change of the list; may refuse it with an exception. */
  @FunctionalInterface
  interface Change<T, E extends Exception> {
    /** The new list. */
    List<T> apply(List<T> entries) throws E;
  }

  /** The list as it is now. */
  List<T> read() throws IOException;

  /** Changes the list; if the change throws, it stays as it was. */
  <E extends Exception> void update(Change<T, E> change) throws IOException, E;
}
