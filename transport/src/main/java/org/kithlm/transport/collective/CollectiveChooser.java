package org.kithlm.transport.collective;

import org.kithlm.transport.Collective;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.SumEncoding;

/**
 * Predicts what a sum takes in each form and picks the fastest. The same figures give the same
 * choice on every rank. Any thread.
 *
 * <p>With N ranks, n = N - 1, a vector of P bytes in p datagrams, a slice of it in q, a one-way
 * latency L, a link rate R and c of CPU time per datagram; a datagram and its bytes count where
 * they are sent and where they are taken:
 *
 * <pre>
 *             hops        bytes of the busiest rank, of all   datagrams of the busiest rank, of all
 *   star      2 L(star)   2 n P        4 n P                  2 n p          4 n p
 *   direct    1 L(mesh)   2 n P        2 N n P                2 n p          2 N n p
 *   two-shot  2 L(mesh)   4 n P / N    4 n P                  4 n q          4 N n q
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

  /**
   * What a datagram and all that it bears take, times what handing it over does: 7 us on part of a
   * core where {@link LinkCosts#datagramNs} was 2 to 4 ({@code deploy/lab/collectives}).
   */
  private static final int WORK_PER_DATAGRAM = 3;

  private final LinkCosts costs;
  private final int worldSize;
  private final int frameBytes;
  private final SumEncoding encoding;

  /**
   * A choice among forms.
   *
   * @param frameBytes most bytes of elements in a datagram
   * @param encoding of partial sums and sums
   */
  public CollectiveChooser(LinkCosts costs, int worldSize, int frameBytes, SumEncoding encoding) {
    this.costs = costs;
    this.worldSize = worldSize;
    this.frameBytes = frameBytes;
    this.encoding = encoding;
  }

  /**
   * The fastest form for a vector of {@code length} elements; the simplest of equally fast ones.
   */
  public Collective choose(int length) {
    Collective best = Collective.STAR;
    for (Collective form : FORMS) {
      if (predictNs(form, length) < predictNs(best, length)) {
        best = form;
      }
    }
    return best;
  }

  /** Time that a sum of {@code length} elements takes in {@code form}. */
  public double predictNs(Collective form, int length) {
    double others = worldSize - 1.0;
    int slice = Math.ceilDiv(length, worldSize);
    double bytes = encoding.typicalBytes(length);
    double frames = frames(length);
    double sliceFrames = frames(slice);
    return switch (form) {
      case STAR ->
          predictNs(
                  2,
                  costs.starLatencyNs(),
                  2 * others * bytes,
                  4 * others * bytes,
                  2 * others * frames,
                  4 * others * frames)
              + (isShared() ? 0 : bytesNs(others * bytes / frames));
      case DIRECT ->
          predictNs(
              1,
              costs.meshLatencyNs(),
              2 * others * bytes,
              2 * worldSize * others * bytes,
              2 * others * frames,
              2 * worldSize * others * frames);
      case TWO_SHOT ->
          predictNs(
              2,
              costs.meshLatencyNs(),
              4 * others * bytes / worldSize,
              4 * others * bytes,
              4 * others * sliceFrames,
              4 * worldSize * others * sliceFrames);
      case AUTO -> predictNs(choose(length), length);
      case SHARED_MEMORY -> throw new IllegalArgumentException(form + " has no links");
    };
  }

  /**
   * Whether a sum of {@code length} elements leaves its ranks' cores idle for three quarters of the
   * time.
   */
  public boolean isMostlyWaiting(int length) {
    LinkCosts free =
        new LinkCosts(
            costs.starLatencyNs(),
            costs.meshLatencyNs(),
            costs.bytesPerSecond(),
            0,
            costs.sharedCores());
    Collective form = choose(length);
    double waitNs =
        new CollectiveChooser(free, worldSize, frameBytes, encoding).predictNs(form, length);
    double datagramsNs = predictNs(form, length) - waitNs;
    return !isShared() && waitNs > 3 * WORK_PER_DATAGRAM * datagramsNs;
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

  private int frames(int length) {
    return Math.ceilDiv(length, encoding.typicalIn(frameBytes));
  }

  private boolean isShared() {
    return costs.sharedCores() > 0;
  }

  private double bytesNs(double bytes) {
    return bytes * 1e9 / costs.bytesPerSecond();
  }
}
