package org.kithlm.node.control;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How the ranks of an epoch form their sums, and why so, for users.
 *
 * @param choice what was asked for
 * @param precision of what ranks send
 * @param sealed whether frames between ranks are encrypted and authenticated
 * @param links what the links cost, null where the form was given or there is one rank only
 * @param payloads the form for each class of payload; none for one rank
 */
public record CollectiveReport(
    CollectiveChoice choice,
    SumPrecision precision,
    boolean sealed,
    @Nullable Links links,
    List<Payload> payloads) {
  /** The step of a {@link Payload} that is one token. */
  public static final String DECODE = "decode";

  /** The step of a {@link Payload} that is a part of a prompt. */
  public static final String PREFILL = "prefill";

  /** Copies the list. */
  public CollectiveReport {
    payloads = List.copyOf(payloads);
  }

  /**
   * Measured when the ranks had warmed up; the worst of all links.
   *
   * @param rootLatencyMs one way between root and leaf
   * @param leafLatencyMs one way between any two ranks
   * @param bytesPerSecond rate of a link
   * @param datagramUs CPU time of a rank for each datagram
   */
  public record Links(
      double rootLatencyMs, double leafLatencyMs, long bytesPerSecond, double datagramUs) {}

  /**
   * The sums of one kind of step.
   *
   * @param step {@link #DECODE} or {@link #PREFILL}
   * @param lengthBytes of the vector; in prefill that of a full step
   * @param form how it is summed; never AUTO
   * @param predictedMs what a sum is expected to take in each form; empty where links were not
   *     measured
   */
  public record Payload(
      String step,
      long lengthBytes,
      CollectiveChoice form,
      Map<CollectiveChoice, Double> predictedMs) {
    /** Copies the map, in the order of the forms. */
    public Payload {
      predictedMs = Collections.unmodifiableMap(new TreeMap<>(predictedMs));
    }
  }
}
