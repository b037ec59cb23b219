package org.kithlm.node.security;

import java.util.Set;

/** The ids of nodes that were removed, as far as this process knows. Thread-safe. */
public final class RevokedNodes {
  private volatile Set<String> ids = Set.of();

  /** Replaces all ids. */
  public void replace(Set<String> newIds) {
    ids = Set.copyOf(newIds);
  }

  /** Whether a node was removed. */
  public boolean contains(String nodeId) {
    return ids.contains(nodeId);
  }
}
