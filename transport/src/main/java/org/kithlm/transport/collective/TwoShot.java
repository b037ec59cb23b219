package org.kithlm.transport.collective;

/** Rank k adds slice k of all ranks and sends it to all. */
final class TwoShot implements Form {
  @Override
  public void sum(Exchange exchange) {
    int own = exchange.ownRank();
    for (int rank = 0; rank < exchange.worldSize(); rank++) {
      if (rank != own) {
        exchange.sendPartial(rank, sliceStart(exchange, rank), sliceStart(exchange, rank + 1));
        exchange.expectSum(rank, sliceStart(exchange, rank), sliceStart(exchange, rank + 1));
      }
    }
    exchange.sumAndAnswer(sliceStart(exchange, own), sliceStart(exchange, own + 1));
    exchange.takeSums();
  }

  /** Slices differ by one block at most; a short vector leaves some of them empty. */
  private static int sliceStart(Exchange exchange, int rank) {
    int length = exchange.round().length();
    int block = exchange.encoding().blockElements();
    long blocks = Math.ceilDiv(length, block);
    return Math.min(length, (int) (blocks * rank / exchange.worldSize()) * block);
  }
}
