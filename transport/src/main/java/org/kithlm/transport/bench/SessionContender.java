package org.kithlm.transport.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.collective.LeafSession;
import org.kithlm.transport.collective.RootSession;

/** Our own collectives. */
final class SessionContender implements Contender {
  private static final double GRID = 1 << 14;
  private static final long LINGER_NS = 50_000_000; // to be asked, and to answer, over slow links
  private static final long NAP_NS = 100_000;

  private final @Nullable RootSession root;
  private final @Nullable LeafSession leaf;
  private final float[] hidden;
  private final double[] partial;
  private @Nullable StepHeader begun;
  private long step;
  private int layer;
  private boolean measures;

  SessionContender(SessionConfig config) {
    hidden = new float[config.maxFloats()];
    // As a model's terms are: integers of some 14 bits times a power of two.
    partial = new Random(config.rank()).doubles(config.maxFloats()).toArray();
    Arrays.setAll(partial, i -> Math.rint((partial[i] - 0.5) * GRID) / GRID);
    root = config.rank() == 0 ? new RootSession(config) : null;
    leaf = config.rank() == 0 ? null : new LeafSession(config);
    try {
      connect();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void connect() {
    if (root != null) {
      root.connect();
    } else if (leaf != null) {
      leaf.connect();
    }
  }

  @Override
  public void warmedUp() {
    measures = true;
  }

  @Override
  public void begin(int length) {
    layer = 0;
    if (root != null) {
      if (measures) {
        root.measureLinks(); // the leaves take part while they wait for the step
        measures = false;
      }
      root.beginStep(step++, 0, 1, hidden, length);
    } else if (leaf != null) {
      while (begun == null) { // a root that closes ends it with an exception
        begun = leaf.awaitStep(hidden, TimeUnit.SECONDS.toNanos(1));
      }
      begun = null;
    }
  }

  @Override
  public void round(float[] values, int length) {
    if (root != null) {
      root.allreduce(layer++, 0, partial, values, length);
    } else if (leaf != null) {
      leaf.allreduce(layer++, 0, partial, values, length);
    }
  }

  /**
   * Makes sure that all have the last sums, and serves those who ask for what was lost of a short
   * one more: nobody drives this session while another contender has its turn.
   */
  @Override
  public void end() {
    round(hidden, 1);
    if (root != null) {
      long startNs = System.nanoTime();
      while (System.nanoTime() - startNs < LINGER_NS) {
        root.keepAlive();
        LockSupport.parkNanos(NAP_NS);
      }
    } else if (leaf != null) {
      begun = leaf.awaitStep(hidden, LINGER_NS);
    }
  }

  /** What the links cost and the forms that follow from it; empty where the form was given. */
  Optional<String> describe(List<Integer> payloadBytes) {
    LinkCosts costs = root == null ? null : root.costs();
    if (root == null || costs == null) {
      return Optional.empty();
    }
    return Optional.of(
        "one way %.1f us to the root and %.1f us between any two, %.1f MB/s, %.1f us of CPU per"
                .formatted(
                    costs.starLatencyNs() / 1e3,
                    costs.meshLatencyNs() / 1e3,
                    costs.bytesPerSecond() / 1e6,
                    costs.datagramNs() / 1e3)
            + " datagram: "
            + payloadBytes.stream()
                .map(bytes -> bytes + " by " + root.formFor(bytes / Float.BYTES))
                .collect(Collectors.joining(", ")));
  }

  @Override
  public void close() {
    if (root != null) {
      root.close();
    } else if (leaf != null) {
      leaf.close();
    }
  }
}
