package org.kithlm.node.control;

import java.util.Locale;

/** How the ranks of a cluster form sums. As a string it is the word that users write and read. */
public enum CollectiveChoice {
  /** Over the root, in two hops; leaves need no way to each other. */
  STAR,
  /** Each rank to every other, in one hop. */
  DIRECT,
  /** Each rank adds a slice for all, in two hops. */
  TWO_SHOT,
  /** For each sum the form that is expected to be the fastest over the links as measured. */
  AUTO,
  /** Through memory that all ranks share, where all are on one machine. */
  SHARED_MEMORY;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
