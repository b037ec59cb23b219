package org.kithlm.node.control;

import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Keeps weights on this device's disk that its rank does not need now, but may need in the next
 * plan. Methods return at once.
 */
public interface WeightKeeper {
  /**
   * Gets the weights of a share in the background, in place of what is under way.
   *
   * @param share which weights, as those of a rank
   * @param idle whether the device has nothing else to do; the background waits for that, to a
   *     bound
   * @param listener told how far it has come, on another thread; not told of a failure
   */
  void keep(
      RankAssignment share,
      NodeMessage.WeightOrigin origin,
      BooleanSupplier idle,
      Consumer<KeptWeights> listener);

  /** Ends what is under way, soon. */
  void stop();
}
