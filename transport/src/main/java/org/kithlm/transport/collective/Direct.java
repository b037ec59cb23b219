package org.kithlm.transport.collective;

/** Each rank sends its partial sum to every other, and each adds all of them. */
final class Direct implements Form {
  @Override
  public void sum(Exchange exchange) {
    int length = exchange.round().length();
    for (int rank = 0; rank < exchange.worldSize(); rank++) {
      if (rank != exchange.ownRank()) {
        exchange.sendPartial(rank, 0, length);
      }
    }
    exchange.sum(0, length);
  }
}
