package org.kithlm.transport.collective;

import org.kithlm.transport.Collective;
import org.kithlm.transport.LinkCosts;

/**
 * Predicts what a sum takes in each form and picks the fastest. The same figures give the same
 * choice on every rank. Any thread.
 *
 * <p>With N ranks, n = N - 1, a vector of P bytes in f datagrams, a one-way latency L, a link rate
 * R and c of CPU time per datagram; a datagram and its bytes count where they are sent and where
 * they are taken:
 *
 * <pre>
 *             hops        bytes of the busiest rank, of all    datagrams of the busiest rank, of all
 *   star      2 L(star)   2 n P        4 n P                   2 n f          4 n f
 *   direct    1 L(mesh)   2 n P        2 N n P                 2 n f          2 N n f
 *   two-shot  2 L(mesh)   4 n P / N    4 n P                   4 n ceil(f/N)  4 N n ceil(f/N)
 * </pre>
 *
 * Links carry both directions at once. The star's root answers each frame when all have sent it, so
 * there only the last one is carried twice in turn. Where ranks share cores a hop is no wait but
 * work: sending a datagram and taking it, so half of it each; so are the bytes. There a sum takes
 * what the busiest rank does or the work of all over the cores, whichever is longer.
 */
public final class CollectiveChooser {
  private static final Collective[] FORMS = {
    Collective.STAR, Collective.DIRECT, Collective.TWO_SHOT
  };

  private final LinkCosts costs;
  private final int worldSize;
  private final int floatsPerFrame;

  /**
   * A choice among forms.
   *
   * @param floatsPerFrame most elements of a datagram
   */
  public CollectiveChooser(LinkCosts costs, int worldSize, int floatsPerFrame) {
    this.costs = costs;
    this.worldSize = worldSize;
    this.floatsPerFrame = floatsPerFrame;
  }

  /** The fastest form for a vector of {@code length} floats; the simplest of equally fast ones. */
  public Collective choose(int length) {
    Collective best = Collective.STAR;
    for (Collective form : FORMS) {
      if (predictNs(form, length) < predictNs(best, length)) {
        best = form;
      }
    }
    return best;
  }

  /** Time that a sum of {@code length} floats takes in {@code form}. */
  public double predictNs(Collective form, int length) {
    double others = worldSize - 1.0;
    double lengthBytes = (double) length * Float.BYTES;
    double frames = Math.ceilDiv(length, floatsPerFrame);
    double sliceFrames = Math.ceilDiv(Math.ceilDiv(length, worldSize), floatsPerFrame);
    return switch (form) {
      case STAR ->
          predictNs(
                  2,
                  costs.starLatencyNs(),
                  2 * others * lengthBytes,
                  4 * others * lengthBytes,
                  2 * others * frames,
                  4 * others * frames)
              + (isShared() ? 0 : bytesNs(others * lengthBytes / frames));
      case DIRECT ->
          predictNs(
              1,
              costs.meshLatencyNs(),
              2 * others * lengthBytes,
              2 * worldSize * others * lengthBytes,
              2 * others * frames,
              2 * worldSize * others * frames);
      case TWO_SHOT ->
          predictNs(
              2,
              costs.meshLatencyNs(),
              4 * others * lengthBytes / worldSize,
              4 * others * lengthBytes,
              4 * others * sliceFrames,
              4 * worldSize * others * sliceFrames);
      case AUTO -> predictNs(choose(length), length);
    };
  }

  private double predictNs(
      int hops,
      double hopNs,
      double busiestBytes,
      double allBytes,
      double busiestDatagrams,
      double allDatagrams) {
    if (!isShared()) {
      return hops * hopNs + bytesNs(busiestBytes / 2) + busiestDatagrams * costs.datagramNs();
    }
    double bytes = Math.max(busiestBytes, allBytes / costs.sharedCores());
    double datagrams = Math.max(busiestDatagrams, allDatagrams / costs.sharedCores());
    return Math.max(hops * hopNs, datagrams * hopNs / 2) + bytesNs(bytes);
  }

  private boolean isShared() {
    return costs.sharedCores() > 0;
  }

  private double bytesNs(double bytes) {
    return bytes * 1e9 / costs.bytesPerSecond();
  }
}
