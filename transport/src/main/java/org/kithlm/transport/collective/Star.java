package org.kithlm.transport.collective;

/**
 * Leaves send to the root; the root adds a frame of all and answers before it looks at the next,
 * while the leaves send ahead as far as flow control lets them.
 */
final class Star implements Form {
  @Override
  public void sum(Exchange exchange) {
    int length = exchange.round().length();
    if (exchange.ownRank() == 0) {
      exchange.sumAndAnswer(0, length);
    } else {
      exchange.sendPartial(0, 0, length);
      exchange.expectSum(0, 0, length);
      exchange.takeSums();
    }
  }
}
