package org.kithlm.transport.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.transport.PeerAddress;

@Timeout(60)
class TcpRingTest {
  private static final int RANKS = 3;
  private static final int PORT = 27_000 + (int) (ProcessHandle.current().pid() % 200) * RANKS;

  @ParameterizedTest
  @ValueSource(ints = {2, 7, 20_000})
  void shouldAddUpTheVectorsOfAllRanks(int length) throws Exception {
    List<PeerAddress> peers = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      peers.add(new PeerAddress(rank, "127.0.0.1", PORT + rank));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(RANKS)) {
      List<Future<float[]>> sums = new ArrayList<>();
      for (int rank = 0; rank < RANKS; rank++) {
        int own = rank;
        sums.add(threads.submit(() -> sum(own, peers, length)));
      }
      float[] expected = new float[length];
      for (int i = 0; i < length; i++) {
        expected[i] = 6 * i;
      }
      for (Future<float[]> sum : sums) {
        assertArrayEquals(expected, sum.get(30, TimeUnit.SECONDS));
      }
    }
  }

  private static float[] sum(int rank, List<PeerAddress> peers, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = i * (rank + 1);
    }
    try (TcpRing ring = new TcpRing(rank, peers)) {
      ring.begin(length);
      ring.round(values, length);
      return values;
    }
  }
}
