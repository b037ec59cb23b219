package org.kithlm.coordinator.enrolment;

import java.util.List;

/** A list of a cluster that leaves nothing behind. Thread-safe. */
final class MemoryLedger<T> implements Ledger<T> {
  private List<T> entries = List.of(); // guarded by this

  @Override
  public synchronized List<T> read() {
    return entries;
  }

  @Override
  public synchronized <E extends Exception> void update(Change<T, E> change) throws E {
    entries = List.copyOf(change.apply(entries));
  }
}
