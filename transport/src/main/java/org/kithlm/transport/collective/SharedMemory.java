package org.kithlm.transport.collective;

import java.util.Arrays;

/**
 * Each rank publishes its partial sum in memory that all share, and each adds all of them. No
 * datagram is sent but to wake a rank that has gone to sleep: where ranks share cores, what a
 * datagram costs them is more than what they compute.
 */
final class SharedMemory implements Form {
  private final SharedSlots slots;
  private final double[] elements;
  private final double[] pieceSum;

  SharedMemory(SharedSlots slots) {
    this.slots = slots;
    elements = new double[slots.pieceFloats()];
    pieceSum = new double[slots.pieceFloats()];
  }

  @Override
  public void sum(Exchange exchange) {
    int length = exchange.round().length();
    for (int first = 0; first < length; first += slots.pieceFloats()) {
      int count = Math.min(slots.pieceFloats(), length - first);
      slots.publish(exchange.round(), first, count);
      wakeOthers(exchange);
      add(exchange, first, count);
    }
    if (exchange.ownRank() == 0) {
      slots.delete(); // whoever has published has mapped it
    }
  }

  private void wakeOthers(Exchange exchange) {
    for (int rank = 0; rank < exchange.worldSize(); rank++) {
      if (rank != exchange.ownRank() && slots.claimWakeUp(rank)) {
        exchange.wakeUp(rank);
      }
    }
  }

  /** Adds the piece of all ranks, in rank order. */
  private void add(Exchange exchange, int first, int count) {
    Round round = exchange.round();
    Arrays.fill(pieceSum, 0, count, 0);
    for (int rank = 0; rank < exchange.worldSize(); rank++) {
      if (rank == exchange.ownRank()) {
        exchange.encoding().addTo(pieceSum, round.partial(), first, count);
      } else {
        exchange.await(rank, first, count, slots, elements);
        exchange.encoding().addTo(pieceSum, elements, 0, count);
      }
    }
    slots.tookAll();
    exchange.encoding().round(pieceSum, count, round.sum(), first);
  }
}
