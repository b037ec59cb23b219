package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.SumEncoding;
import org.kithlm.transport.TransportException;

@Timeout(60)
class SharedSlotsTest {
  private static final int LENGTH = 40_000; // two pieces

  @TempDir Path folder;

  private SessionConfig config(int rank) {
    List<PeerAddress> peers =
        List.of(new PeerAddress(0, "127.0.0.1", 1), new PeerAddress(1, "127.0.0.1", 2));
    return SessionConfig.of(7, rank, peers, LENGTH).withDriverParent(folder);
  }

  private static Round round(int layer, double value) {
    double[] partial = new double[LENGTH];
    Arrays.fill(partial, value);
    Round round = new Round(SumEncoding.EXACT, Double.BYTES, 1);
    round.sum(1, layer, 0, partial, new float[LENGTH], LENGTH);
    return round;
  }

  private static void assertTakes(double value, SharedSlots slots, int layer) {
    double[] elements = new double[8];
    assertTrue(slots.take(0, round(layer, 0), 0, 8, elements));
    double[] expected = new double[8];
    Arrays.fill(expected, value);
    assertArrayEquals(expected, elements);
  }

  @Test
  void shouldKeepAPieceWhileTheNextOneIsWritten() {
    try (SharedSlots root = SharedSlots.create(config(0));
        SharedSlots leaf = SharedSlots.open(config(1))) {
      double[] elements = new double[8];
      assertFalse(leaf.take(0, round(0, 0), 0, 8, elements), "nothing is published");
      root.publish(round(0, 1.5), 0, 8);
      root.tookAll();
      root.publish(round(1, 2.5), 0, 8);
      assertTakes(1.5, leaf, 0);
      assertTakes(2.5, leaf, 1);
      root.publish(round(2, 3.5), 0, 8); // round 1 was given up
      assertTakes(1.5, leaf, 0);
      assertTakes(3.5, leaf, 2);
      assertFalse(leaf.take(0, round(1, 0), 0, 8, elements), "written over");
      root.tookAll();
      root.publish(round(3, 4.5), 0, 8);
      assertFalse(leaf.take(0, round(0, 0), 0, 8, elements), "written over");
      assertTakes(4.5, leaf, 3);
    }
  }

  @Test
  void shouldTakeOnlyThePieceAskedFor() {
    try (SharedSlots root = SharedSlots.create(config(0));
        SharedSlots leaf = SharedSlots.open(config(1))) {
      int second = root.pieceFloats();
      root.publish(round(0, 1.5), second, 8);
      double[] elements = new double[8];
      assertFalse(leaf.take(0, round(0, 0), 0, 8, elements), "another piece");
      assertFalse(leaf.take(0, round(1, 0), second, 8, elements), "another layer");
      assertFalse(leaf.take(1, round(0, 0), second, 8, elements), "another rank");
      assertTrue(leaf.take(0, round(0, 0), second, 8, elements));
    }
  }

  /** A rank that goes on after an aborted step writes over what another still reads. */
  @Test
  void shouldNeverTakeAPieceThatIsWrittenMeanwhile() throws Exception {
    int count = 4096;
    int pieces = 20_000;
    AtomicInteger latest = new AtomicInteger();
    try (SharedSlots root = SharedSlots.create(config(0));
        SharedSlots leaf = SharedSlots.open(config(1))) {
      Thread writer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    Round round = new Round(SumEncoding.EXACT, Double.BYTES, 1);
                    double[] partial = new double[LENGTH];
                    for (int piece = 1; piece <= pieces; piece++) {
                      Arrays.fill(partial, 0, count, piece);
                      round.sum(1, piece, 0, partial, new float[0], LENGTH);
                      latest.setRelease(piece);
                      root.publish(round, 0, count);
                      root.tookAll();
                    }
                  });
      Round round = new Round(SumEncoding.EXACT, Double.BYTES, 1);
      double[] elements = new double[count];
      int taken = 0;
      int missed = 0;
      while (writer.isAlive()) {
        int piece = Math.max(1, latest.getAcquire() - 1);
        round.sum(1, piece, 0, elements, new float[0], LENGTH);
        if (leaf.take(0, round, 0, count, elements)) {
          taken++;
          for (double element : elements) {
            assertEquals(piece, element, "in piece " + taken + " that was taken");
          }
        } else {
          missed++;
        }
      }
      writer.join();
      assertTrue(taken > 0 && missed > 0, "taken=" + taken + " missed=" + missed);
    }
  }

  @Test
  void shouldBeWokenOnceAndOnlyAsleep() {
    try (SharedSlots root = SharedSlots.create(config(0));
        SharedSlots leaf = SharedSlots.open(config(1))) {
      assertFalse(root.claimWakeUp(1));
      leaf.asleep(true);
      assertTrue(root.claimWakeUp(1));
      assertFalse(root.claimWakeUp(1));
      leaf.asleep(true);
      leaf.asleep(false);
      assertFalse(root.claimWakeUp(1));
    }
  }

  @Test
  void shouldKeepTheFileFromOthersAndDeleteIt() throws Exception {
    try (SharedSlots root = SharedSlots.create(config(0))) {
      Path file = folder.resolve(folder.toFile().list()[0]);
      assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
      SharedSlots leaf = SharedSlots.open(config(1));
      leaf.close();
      assertTrue(Files.exists(file), "the root's to delete");
      root.delete();
      assertFalse(Files.exists(file));
    }
    assertArrayEquals(new String[0], folder.toFile().list());
  }

  @Test
  void shouldDeleteWhatARootThatDiedLeft() throws Exception {
    Path old = Files.createFile(folder.resolve("kith-sums-00"));
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
    Path young = Files.createFile(folder.resolve("kith-sums-01"));
    SharedSlots.create(config(0)).close();
    assertFalse(Files.exists(old));
    assertTrue(Files.exists(young));
  }

  @Test
  void shouldSayThatRanksMustBeOnOneMachine() {
    TransportException error =
        assertThrows(TransportException.class, () -> SharedSlots.open(config(1)));
    assertTrue(error.toString().contains("all ranks on one machine"), error::toString);
  }
}
