package org.kithlm.transport;

/**
 * How the ranks form a sum. All add in rank order with the same association, so the result is the
 * same to the last bit on every rank and in every form.
 */
public enum Collective {
  /** Leaves send to the root, which adds and answers: two hops; needs links root to leaf only. */
  STAR(1),
  /** Each rank sends to every other and all add: one hop. */
  DIRECT(2),
  /**
   * Reduce-scatter, then allgather: rank k adds slice k of the vector and sends it to all. Two
   * hops, and the fewest bytes through the busiest link.
   */
  TWO_SHOT(3),
  /** For each sum the form that is expected to be the fastest over the links as measured. */
  AUTO(4),
  /** Through memory that all ranks share: for ranks on one machine only. */
  SHARED_MEMORY(5);

  private final int code;

  Collective(int code) {
    this.code = code;
  }

  /** The number on the wire. */
  public int code() {
    return code;
  }
}
