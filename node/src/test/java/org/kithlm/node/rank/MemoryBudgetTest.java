package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;

class MemoryBudgetTest {
  private static final long MIB = 1 << 20;
  private static final int LAYERS = 4;
  private static final int HEAD_DIM = 32;

  @Test
  void shouldLeaveForWeightsWhatTheReservesDoNotTake() {
    MemoryBudget budget = budget(512 * MIB, 0, 1, 2, 1000);
    long kvPerPosition = 2 * LAYERS * 2 * HEAD_DIM * 2;
    assertEquals(kvPerPosition, budget.kvBytesPerPosition());
    assertEquals(1024 * kvPerPosition, budget.kvBytes(), "whole blocks of positions");
    assertEquals(0, budget.transportBytes(), "a rank alone opens no driver");
    assertEquals(
        512 * MIB - 64 * MIB - MemoryBudget.JVM_BYTES - budget.kvBytes(), budget.weightBytes());
  }

  @Test
  void shouldReserveLessForKeysAndValuesOfEightBits() {
    MemoryBudget budget = budget(512 * MIB, 0, 1, 2, 1000, CollectiveChoice.STAR, KvType.Q8);
    long stepPerHead = 4;
    assertEquals(2 * LAYERS * 2 * (HEAD_DIM + stepPerHead), budget.kvBytesPerPosition());
    assertEquals(1024 * budget.kvBytesPerPosition(), budget.kvBytes());
  }

  @Test
  void shouldReserveALinkToEachLeafAtTheRootAndOneAtALeafOfAStar() {
    long alone = budget(512 * MIB, 0, 2, 1, 256).transportBytes();
    long ofSeven = budget(512 * MIB, 0, 8, 1, 256).transportBytes();
    assertEquals(6 * 1536 * 1024, ofSeven - alone);
    assertEquals(alone, budget(512 * MIB, 7, 8, 1, 256).transportBytes());
  }

  @ParameterizedTest
  @EnumSource(names = "STAR", mode = EnumSource.Mode.EXCLUDE)
  void shouldReserveALinkToEachRankWhereLeavesMeetEachOther(CollectiveChoice collective) {
    assertEquals(
        budget(512 * MIB, 0, 8, 1, 256).transportBytes(),
        budget(512 * MIB, 7, 8, 1, 256, collective).transportBytes());
  }

  @Test
  void shouldNameASmallestBudgetThatWorksAndIsTheSmallest() {
    DoesNotFitException refusal =
        assertThrows(
            DoesNotFitException.class,
            () -> budget(100 * MIB, 1, 2, 2, 2048).require(16 * MIB, 900 * MIB));
    String message = String.valueOf(refusal.getMessage());
    Matcher smallest = Pattern.compile("--memory (\\d+)M").matcher(message);
    assertTrue(smallest.find(), message);
    assertTrue(message.startsWith("100 MiB") && message.contains("900 MiB of weights"), message);
    assertFalse(message.contains("--context"), "no context is short enough: " + message);
    long works = Long.parseLong(smallest.group(1)) * MIB;
    assertDoesNotThrow(() -> budget(works, 1, 2, 2, 2048).require(16 * MIB, 900 * MIB));
    assertThrows(
        DoesNotFitException.class,
        () -> budget(works - MIB, 1, 2, 2, 2048).require(16 * MIB, 900 * MIB));
  }

  @Test
  void shouldNameTheLongestContextThatFits() {
    long total = 64 * MIB + MemoryBudget.JVM_BYTES + 20 * MIB;
    DoesNotFitException refusal =
        assertThrows(
            DoesNotFitException.class,
            () -> budget(total, 0, 1, 2, 1 << 20).require(16 * MIB, 900 * MIB));
    String message = String.valueOf(refusal.getMessage());
    Matcher context = Pattern.compile("--context (\\d+)").matcher(message);
    assertTrue(context.find(), message);
    int fits = Integer.parseInt(context.group(1));
    assertDoesNotThrow(() -> budget(total, 0, 1, 2, fits).require(16 * MIB, 900 * MIB));
    assertThrows(
        DoesNotFitException.class,
        () -> budget(total, 0, 1, 2, fits + 1).require(16 * MIB, 900 * MIB));
  }

  @Test
  void shouldTellTheLongestContextWhateverTheWantedOneIs() {
    long total = 64 * MIB + MemoryBudget.JVM_BYTES + 20 * MIB;
    int longest = budget(total, 0, 1, 2, 100).longestContext(16 * MIB);
    assertEquals(longest, budget(total, 0, 1, 2, 1 << 20).longestContext(16 * MIB));
    assertEquals(4 * MIB / (2 * LAYERS * 2 * HEAD_DIM * 2), longest);
    assertDoesNotThrow(() -> budget(total, 0, 1, 2, longest).require(16 * MIB, 900 * MIB));
    assertEquals(0, budget(total, 0, 1, 2, 100).longestContext(21 * MIB));
    assertTrue(budget(total, 0, 1, 0, 100).longestContext(16 * MIB) > 1 << 30);
  }

  @Test
  void shouldAdviseASmallerHeapWhereThatIsEnough() {
    long small = budget(0, 0, 1, 2, 1024).processBytes(16 * MIB) - 16 * MIB; // of a heap of 64 MiB
    assertTrue(refusal(small).contains("or KITH_HEAP=48m"), refusal(small));
    assertFalse(refusal(small - MIB).contains("KITH_HEAP"), refusal(small - MIB));
  }

  private static String refusal(long processBytes) {
    return String.valueOf(
        assertThrows(
                DoesNotFitException.class,
                () -> budget(processBytes, 0, 1, 2, 1024).require(16 * MIB, 900 * MIB))
            .getMessage());
  }

  @Test
  void shouldAdviseNoContextToARankWithoutKeysAndValues() {
    DoesNotFitException refusal =
        assertThrows(
            DoesNotFitException.class,
            () -> budget(100 * MIB, 1, 2, 0, 2048).require(16 * MIB, 900 * MIB));
    assertFalse(String.valueOf(refusal.getMessage()).contains("--context"), refusal::getMessage);
  }

  private static MemoryBudget budget(
      long processBytes, int rank, int worldSize, int kvHeads, int contextLength) {
    return budget(processBytes, rank, worldSize, kvHeads, contextLength, CollectiveChoice.STAR);
  }

  private static MemoryBudget budget(
      long processBytes,
      int rank,
      int worldSize,
      int kvHeads,
      int contextLength,
      CollectiveChoice collective) {
    return budget(processBytes, rank, worldSize, kvHeads, contextLength, collective, KvType.F16);
  }

  private static MemoryBudget budget(
      long processBytes,
      int rank,
      int worldSize,
      int kvHeads,
      int contextLength,
      CollectiveChoice collective,
      KvType kvType) {
    ModelConfig config =
        new ModelConfig(
            ModelConfig.Architecture.LLAMA,
            LAYERS,
            128,
            256,
            4,
            2,
            HEAD_DIM,
            1000,
            1 << 20,
            1e-5f,
            new ModelConfig.Rope(HEAD_DIM, 10000, 10000, 1, false),
            0,
            0,
            1,
            0,
            0,
            1,
            ModelConfig.Activation.SILU,
            true);
    RankShard shard =
        new RankShard(
            rank,
            worldSize,
            0,
            4,
            0,
            kvHeads,
            0,
            256,
            0,
            rank == 0 ? 1 : 0,
            AttentionPlacement.SPLIT);
    RankAssignment assignment =
        new RankAssignment(
            1,
            rank,
            Collections.nCopies(worldSize, 1.0),
            AttentionPlacement.SPLIT,
            HeadPlacement.ROOT,
            "pack",
            contextLength,
            kvType,
            128,
            collective,
            SumPrecision.EXACT,
            EpochKey.create());
    return MemoryBudget.of(processBytes, 64 * MIB, config, shard, assignment);
  }
}
