package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.kithlm.node.security.RefusedException;

/** The nodes that have certificates of a cluster, and which of them were removed. Thread-safe. */
public final class NodeRegister {
  private static final int MAX_NODES = 1000;

  private final Ledger<Entry> ledger;
  private final Clock clock;

  /**
   * A node.
   *
   * @param id random, as its certificates say
   * @param name what its user calls it
   * @param host address in its newest certificate
   * @param expiresEpochSeconds when that certificate ends
   * @param removed whether it may not come back
   * @param drained whether plans do without it
   */
  public record Entry(
      String id,
      String name,
      String host,
      long expiresEpochSeconds,
      boolean removed,
      boolean drained) {
    private Entry removedForGood() {
      return new Entry(id, name, host, expiresEpochSeconds, true, drained);
    }

    private Entry drained(boolean isDrained) {
      return new Entry(id, name, host, expiresEpochSeconds, removed, isDrained);
    }
  }

  /**
   * The nodes that take no part in plans, by their ids.
   *
   * @param removed those that may not come back
   * @param drained those that may be here, but idle
   */
  public record Excluded(Set<String> removed, Set<String> drained) {
    /** No node. */
    public static final Excluded NONE = new Excluded(Set.of(), Set.of());

    /** Copies the sets. */
    public Excluded {
      removed = Set.copyOf(removed);
      drained = Set.copyOf(drained);
    }
  }

  NodeRegister(Ledger<Entry> ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
  }

  /** Adds a node; those whose certificates have ended are forgotten. */
  void add(Entry node) throws IOException, RefusedException {
    long now = clock.instant().getEpochSecond();
    ledger.<RefusedException>update(
        entries -> {
          List<Entry> next = new ArrayList<>(entries);
          next.removeIf(entry -> entry.expiresEpochSeconds() < now);
          if (next.size() >= MAX_NODES) {
            throw new RefusedException(
                "the cluster has " + MAX_NODES + " nodes; remove some there with kith node rm");
          }
          next.add(node);
          return next;
        });
  }

  /**
   * Replaces a node's entry; a drained one stays so.
   *
   * @throws RefusedException if there is none, or it was removed
   */
  void renew(Entry node) throws IOException, RefusedException {
    ledger.<RefusedException>update(
        entries -> {
          List<Entry> next = new ArrayList<>(entries);
          for (int i = 0; i < next.size(); i++) {
            if (next.get(i).id().equals(node.id()) && !next.get(i).removed()) {
              next.set(i, node.drained(next.get(i).drained()));
              return next;
            }
          }
          throw new RefusedException(RefusedException.REMOVED);
        });
  }

  /** All nodes, those that joined first at the front. */
  public List<Entry> list() throws IOException {
    return ledger.read();
  }

  /** Removes all nodes of a name, or the one with an id; the result is how many. */
  public int remove(String nameOrId) throws IOException {
    return change(nameOrId, Entry::removedForGood);
  }

  /**
   * Has plans do without all nodes of a name, or the one with an id, or use them again; the result
   * is how many there are.
   */
  public int drain(String nameOrId, boolean drained) throws IOException {
    return change(nameOrId, entry -> entry.drained(drained));
  }

  private int change(String nameOrId, UnaryOperator<Entry> change) throws IOException {
    Predicate<Entry> wanted =
        entry -> !entry.removed() && (entry.name().equals(nameOrId) || entry.id().equals(nameOrId));
    int[] count = {0};
    ledger.<RuntimeException>update(
        entries -> {
          count[0] = (int) entries.stream().filter(wanted).count();
          return entries.stream()
              .map(entry -> wanted.test(entry) ? change.apply(entry) : entry)
              .toList();
        });
    return count[0];
  }

  /** Those that were removed or drained and have a certificate still. */
  public Excluded excluded() throws IOException {
    List<Entry> nodes = list();
    return new Excluded(ids(nodes, Entry::removed), ids(nodes, Entry::drained));
  }

  private static Set<String> ids(List<Entry> nodes, Predicate<Entry> wanted) {
    return nodes.stream().filter(wanted).map(Entry::id).collect(Collectors.toUnmodifiableSet());
  }
}
