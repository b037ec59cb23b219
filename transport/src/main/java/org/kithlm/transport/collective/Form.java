package org.kithlm.transport.collective;

import org.kithlm.transport.Collective;

/** One form of the allreduce, as an order of the steps that {@link Exchange} offers. */
interface Form {
  /** Replaces the round's vector by the sum over all ranks. */
  void sum(Exchange exchange);

  /** What a rank does in {@code collective}. */
  static Form of(Collective collective) {
    return switch (collective) {
      case STAR -> new Star();
      case DIRECT -> new Direct();
      case TWO_SHOT -> new TwoShot();
      case AUTO, SHARED_MEMORY ->
          throw new IllegalArgumentException(collective + " is no exchange of frames");
    };
  }
}
