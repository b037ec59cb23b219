package org.kithlm.transport.collective;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepHeader;

/**
 * One rank as a process, for tests and for measuring by hand.
 *
 * <p>Arguments: epoch, rank, comma-separated ports on loopback, floats per round, rounds, MTU, then
 * {@code verify} or {@code measure}, then the form of sums and the folder for the driver. Every
 * rank prints {@code connected}, then the root runs steps of up to 100 rounds and prints {@code
 * p50_us= p90_us= p99_us=} of the last four fifths. Leaves go on until the root closes and print
 * {@code lost}.
 */
final class RankProcess {
  private static final int ROUNDS_PER_STEP = 100;

  private RankProcess() {}

  public static void main(String[] args) {
    long epoch = Long.parseLong(args[0]);
    int rank = Integer.parseInt(args[1]);
    List<PeerAddress> peers = peers(args[2]);
    int length = Integer.parseInt(args[3]);
    int rounds = Integer.parseInt(args[4]);
    boolean verify = args[6].equals("verify");
    SessionConfig config =
        SessionConfig.of(epoch, rank, peers, length)
            .withDatagrams(Integer.parseInt(args[5]), Integer.parseInt(args[5]))
            .withCollective(Collective.valueOf(args[7]))
            .withDriverParent(Path.of(args[8]));
    if (rank == 0) {
      root(config, length, rounds, verify);
    } else {
      leaf(config, verify);
    }
  }

  static List<PeerAddress> peers(String ports) {
    List<PeerAddress> peers = new ArrayList<>();
    for (String port : ports.split(",", -1)) {
      peers.add(new PeerAddress(peers.size(), "127.0.0.1", Integer.parseInt(port)));
    }
    return peers;
  }

  private static void root(SessionConfig config, int length, int rounds, boolean verify) {
    double[] partial = new double[length];
    float[] values = new float[length];
    long[] tookNs = new long[rounds];
    try (RootSession root = new RootSession(config)) {
      root.connect();
      root.measureLinks();
      say("connected");
      for (int round = 0; round < rounds; round++) {
        int layer = round % ROUNDS_PER_STEP;
        if (layer == 0) {
          root.beginStep(round / ROUNDS_PER_STEP, 0, 1, values, length);
        }
        if (verify) {
          fill(partial, 0, round / ROUNDS_PER_STEP, layer);
        }
        long startNs = System.nanoTime();
        root.allreduce(layer, 0, partial, values, length);
        tookNs[round] = System.nanoTime() - startNs;
        if (verify) {
          verify(values, config.peers().size(), round / ROUNDS_PER_STEP, layer);
        }
      }
      say("counters " + root.counters());
    }
    long[] sorted = Arrays.copyOfRange(tookNs, rounds / 5, rounds);
    Arrays.sort(sorted);
    say(
        "p50_us=%.1f p90_us=%.1f p99_us=%.1f"
            .formatted(
                sorted[sorted.length / 2] / 1e3,
                sorted[sorted.length * 9 / 10] / 1e3,
                sorted[sorted.length * 99 / 100] / 1e3));
  }

  private static void leaf(SessionConfig config, boolean verify) {
    float[] hidden = new float[config.maxFloats()];
    double[] partial = new double[config.maxFloats()];
    float[] values = new float[config.maxFloats()];
    try (LeafSession leaf = new LeafSession(config)) {
      leaf.connect();
      say("connected");
      while (true) {
        StepHeader step = leaf.awaitStep(hidden, TimeUnit.MILLISECONDS.toNanos(10));
        if (step == null) {
          continue;
        }
        for (int layer = 0; layer < ROUNDS_PER_STEP; layer++) {
          if (verify) {
            fill(partial, config.rank(), step.step(), layer);
          }
          leaf.allreduce(layer, 0, partial, values, step.length());
          if (verify) {
            verify(values, config.peers().size(), step.step(), layer);
          }
        }
      }
    } catch (PeerLostException e) {
      say("lost " + e.getMessage());
    }
  }

  /** Values whose sum depends on the order of additions. */
  private static void fill(double[] partial, int rank, long step, int layer) {
    for (int i = 0; i < partial.length; i++) {
      partial[i] = value(rank, step, layer, i);
    }
  }

  private static double value(int rank, long step, int layer, int i) {
    int hash = (int) (step * 31 + layer) * 0x9E3779B9 ^ (i + rank * 7919) * 0x85EBCA6B;
    return hash * (rank % 2 == 0 ? 1e-9 : 1e3) / 3;
  }

  private static void verify(float[] values, int worldSize, long step, int layer) {
    for (int i = 0; i < values.length; i++) {
      double sum = 0;
      for (int rank = 0; rank < worldSize; rank++) {
        sum += value(rank, step, layer, i);
      }
      float expected = (float) sum;
      if (Float.floatToRawIntBits(expected) != Float.floatToRawIntBits(values[i])) {
        throw new AssertionError(
            "step=%d layer=%d i=%d expected=%s actual=%s"
                .formatted(step, layer, i, expected, values[i]));
      }
    }
  }

  @SuppressWarnings("SystemOut") // the parent process reads it
  private static void say(String line) {
    System.out.println(line);
  }
}
