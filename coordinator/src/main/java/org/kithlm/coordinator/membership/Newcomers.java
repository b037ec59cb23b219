package org.kithlm.coordinator.membership;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.kithlm.node.control.KeptWeights;

/**
 * Nodes that fetch their weights before the answer under way is stopped for them, so that it does
 * not wait for that. Owned by the coordinator's actor.
 */
final class Newcomers {
  private final Set<Member> fetching = new HashSet<>();

  /** Those that a plan would use and the one in use has not considered. */
  static List<Member> of(Division next, Division current) {
    return next.leaves().stream().filter(node -> !current.considered().contains(node)).toList();
  }

  /** These fetch from now on, and no others. */
  void begin(List<Member> nodes) {
    fetching.clear();
    fetching.addAll(nodes);
  }

  /** Nobody is waited for any more. */
  void clear() {
    fetching.clear();
  }

  /** A node is gone; the result is whether it was waited for. */
  boolean forget(Member node) {
    return fetching.remove(node);
  }

  /** Whether a node that is waited for gets no further. */
  boolean isStuck(Member node, KeptWeights kept) {
    return fetching.contains(node) && kept.shortage() != null;
  }

  /** Whether a node was the last one to be waited for, and has its weights now. */
  boolean isLast(Member node, KeptWeights kept) {
    return kept.hasAll() && fetching.remove(node) && fetching.isEmpty();
  }
}
