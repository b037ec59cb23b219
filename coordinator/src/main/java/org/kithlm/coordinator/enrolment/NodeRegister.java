package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
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
   */
  public record Entry(
      String id, String name, String host, long expiresEpochSeconds, boolean removed) {}

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
   * Replaces a node's entry.
   *
   * @throws RefusedException if there is none, or it was removed
   */
  void renew(Entry node) throws IOException, RefusedException {
    ledger.<RefusedException>update(
        entries -> {
          List<Entry> next = new ArrayList<>(entries);
          for (int i = 0; i < next.size(); i++) {
            if (next.get(i).id().equals(node.id()) && !next.get(i).removed()) {
              next.set(i, node);
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
    Predicate<Entry> wanted =
        entry -> !entry.removed() && (entry.name().equals(nameOrId) || entry.id().equals(nameOrId));
    int[] count = {0};
    ledger.<RuntimeException>update(
        entries -> {
          count[0] = (int) entries.stream().filter(wanted).count();
          return entries.stream()
              .map(entry -> wanted.test(entry) ? removed(entry) : entry)
              .toList();
        });
    return count[0];
  }

  private static Entry removed(Entry node) {
    return new Entry(node.id(), node.name(), node.host(), node.expiresEpochSeconds(), true);
  }

  /** The ids of those that were removed and have a certificate still. */
  public Set<String> removedIds() throws IOException {
    return list().stream()
        .filter(Entry::removed)
        .map(Entry::id)
        .collect(Collectors.toUnmodifiableSet());
  }
}
