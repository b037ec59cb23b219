package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;

/** Ranks as JVMs of their own, with the flags that the launcher passes. */
@Timeout(120)
class CollectiveProcessIT {
  private static final int LENGTH = 1536;

  @TempDir Path driverFolder;
  @TempDir Path logs;
  private final List<PeerAddress> peers = Ranks.onLoopback(3);
  private Collective collective = Collective.STAR;
  private final List<Process> processes = new ArrayList<>();

  @AfterEach
  void endProcesses() throws InterruptedException {
    for (Process process : processes) {
      process.destroyForcibly().waitFor();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldSumBitExactlyOverThreeProcesses(Collective form) throws Exception {
    collective = form;
    List<Process> ranks = new ArrayList<>();
    for (int rank = 2; rank >= 0; rank--) {
      ranks.add(start(1, rank, 2000));
    }
    for (int i = 0; i < ranks.size(); i++) {
      assertTrue(ranks.get(i).waitFor(90, TimeUnit.SECONDS), "rank " + (2 - i) + " still runs");
      assertEquals(0, ranks.get(i).exitValue(), log(1, 2 - i));
    }
    String rootLog = Files.readString(logFile(1, 0));
    assertTrue(rootLog.contains("rounds=2000"), rootLog);
    assertTrue(rootLog.contains("droppedFrames=0"), rootLog);
    assertArrayEquals(new String[0], driverFolder.toFile().list());
  }

  @ParameterizedTest
  @EnumSource
  @Tag("fault")
  void shouldReportRankLostWhenLeafIsKilledAndServeTheNextEpoch(Collective form) throws Exception {
    collective = form;
    Process first = start(1, 1, 0);
    Process second = start(1, 2, 0);
    try (RootSession root = new RootSession(config(1))) {
      root.connect();
      root.measureLinks();
      PeerLostException error =
          assertThrows(PeerLostException.class, () -> roundsAfterKilling(root, second));
      assertEquals(peers.get(2), error.peer());
      assertTrue(error.toString().contains(peers.get(2).endpoint()), error::toString);
    }
    assertTrue(first.waitFor(20, TimeUnit.SECONDS), "the other leaf learns that the root closed");
    assertTrue(log(1, 1).contains("lost " + peers.get(2)), log(1, 1));

    start(2, 1, 0);
    start(2, 2, 0);
    try (RootSession root = new RootSession(config(2))) {
      root.connect();
      root.measureLinks();
      rounds(root, 0, 1);
      assertEquals(3 * 2, driverFolder.toFile().list().length, "the killed driver was swept");
    }
  }

  @Test
  @Tag("fault")
  void shouldEndTheRoundAtOnceWhenTheControlPlaneKnowsFirst() throws Exception {
    start(1, 1, 0);
    Process second = start(1, 2, 0);
    SessionConfig patient = config(1).withTimeouts(seconds(60), seconds(3600));
    try (RootSession root = new RootSession(patient)) {
      root.connect();
      root.measureLinks();
      IllegalStateException cause = new IllegalStateException("rank 2 is unreachable");
      CompletableFuture<Void> told = second.onExit().thenRun(() -> root.fail(cause));
      assertSame(
          cause, assertThrows(IllegalStateException.class, () -> roundsAfterKilling(root, second)));
      told.get(20, TimeUnit.SECONDS);
    }
  }

  /** Kills while rounds go on, which they do until the root notices. */
  private static void roundsAfterKilling(RootSession root, Process leaf) {
    rounds(root, 0, 20);
    leaf.destroyForcibly();
    rounds(root, 20, 100_000);
  }

  private static void rounds(RootSession root, int firstStep, int endStep) {
    float[] values = new float[LENGTH];
    for (int step = firstStep; step < endStep; step++) {
      root.beginStep(step, 0, 1, values, LENGTH);
      for (int layer = 0; layer < 100; layer++) {
        InPlace.sum(root, layer, 0, values, LENGTH);
      }
    }
  }

  private SessionConfig config(long epoch) {
    return SessionConfig.of(epoch, 0, peers, LENGTH)
        .withDriverParent(driverFolder)
        .withCollective(collective)
        .withTimeouts(seconds(60), seconds(3));
  }

  private static long seconds(int seconds) {
    return TimeUnit.SECONDS.toNanos(seconds);
  }

  private Process start(long epoch, int rank, int rounds) throws IOException {
    String ports =
        peers.stream().map(peer -> Integer.toString(peer.port())).collect(Collectors.joining(","));
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "@" + Path.of(System.getProperty("kith.project.dir"), "deploy", "jvm.options"),
            "-Xmx64m",
            "-cp",
            System.getProperty("java.class.path"),
            RankProcess.class.getName(),
            Long.toString(epoch),
            Integer.toString(rank),
            ports,
            Integer.toString(LENGTH),
            Integer.toString(rounds),
            Integer.toString(SessionConfig.LOOPBACK_MTU_LENGTH),
            rounds > 0 ? "verify" : "measure",
            collective.name(),
            driverFolder.toString());
    File log = logFile(epoch, rank).toFile();
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
    processes.add(process);
    return process;
  }

  private Path logFile(long epoch, int rank) {
    return logs.resolve("epoch" + epoch + "-rank" + rank + ".log");
  }

  private String log(long epoch, int rank) throws IOException {
    return Files.readString(logFile(epoch, rank));
  }
}
