package org.kithlm.model.shard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelConfig.Activation;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.config.ModelConfig.Rope;
import org.kithlm.model.gguf.GgmlType;

class ShardPlanTest {

  @ParameterizedTest
  @CsvSource({
    "9, 3, 64, 1536, Q4_1, Q4_1, 1, 32", // SmolLM2 135M
    "4, 1, 256, 2048, Q4_K, Q6_K, 1, 256", // Gemma 3 270M
    "12, 2, 128, 8960, Q4_K, Q6_K, 2, 256", // Qwen2.5 1.5B
    "12, 2, 64, 4864, Q4_K, Q5_0, 4, 32",
    "14, 2, 128, 96, F16, F32, 1, 32",
    "9, 3, 256, 80, Q4_K, F32, 1, 32", // the last FFN unit has 16 columns
    "6, 6, 64, 20, F32, F32, 1, 20", // narrower than a unit
    "10, 5, 128, 32, Q4_K, Q8_0, 2, 32",
    "20, 5, 64, 32, Q4_K, Q8_0, 4, 32",
    "4, 4, 96, 32, Q8_0, Q8_0, 1, 32",
    "8, 4, 96, 256, Q4_K, Q4_K, 8, 256", // 8 x 96 = 3 blocks of 256, no fewer heads are
    "24, 4, 32, 256, Q4_K, Q4_K, 8, 256",
  })
  void shouldFindSmallestUnits(
      int heads,
      int kvHeads,
      int headDim,
      int ffn,
      GgmlType attentionOutput,
      GgmlType ffnDown,
      int headsPerUnit,
      int ffnColumnsPerUnit) {
    ShardUnits units =
        ShardUnits.of(
            config(heads, kvHeads, headDim, ffn),
            List.of(GgmlType.F32, attentionOutput),
            List.of(GgmlType.F16, ffnDown));
    assertEquals(new ShardUnits(heads, headsPerUnit, ffn, ffnColumnsPerUnit), units);
  }

  private static ShardUnits units(int heads, int headDim) {
    return ShardUnits.of(
        config(heads, 1, headDim, 256), List.of(GgmlType.Q4_K), List.of(GgmlType.Q4_K));
  }

  @Test
  void shouldRefusePartialBlocks() {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> units(3, 64));
    assertTrue(e.toString().contains("attn_output has 192 columns"), e::toString);
  }

  @Test
  void shouldLetTheLastRankBeDoneEarly() {
    ModelConfig config = config(9, 3, 64, 320);
    ShardUnits units = new ShardUnits(9, 1, 320, 32);
    // 9 heads over shares 2, 1, 1: the last is done after 5/2 = 2.5; with 4, 3, 2 it were 3.
    // 10 FFN units: 6/2 = 3, as with 5, 3, 2.
    ShardPlan plan = ShardPlan.weighted(config, units, new double[] {2, 1, 1});
    assertEquals(
        new RankShard(0, 3, 0, 5, 0, 2, 0, 192, 0, 10, AttentionPlacement.SPLIT), plan.shard(0));
    assertEquals(
        new RankShard(1, 3, 5, 2, 1, 2, 192, 64, 0, 0, AttentionPlacement.SPLIT), plan.shard(1));
    assertEquals(
        new RankShard(2, 3, 7, 2, 2, 1, 256, 64, 0, 0, AttentionPlacement.SPLIT), plan.shard(2));
  }

  @Test
  void shouldGiveReplicatedAttentionToAllRanks() {
    ShardPlan plan =
        ShardPlan.weighted(
            config(9, 3, 64, 320),
            new ShardUnits(9, 1, 320, 32),
            new double[] {3, 0, 2},
            AttentionPlacement.REPLICATED);
    AttentionPlacement replicated = AttentionPlacement.REPLICATED;
    assertEquals(new RankShard(0, 3, 0, 9, 0, 3, 0, 192, 0, 10, replicated), plan.shard(0));
    assertEquals(new RankShard(1, 3, 0, 9, 0, 3, 192, 0, 0, 0, replicated), plan.shard(1));
    assertEquals(new RankShard(2, 3, 0, 9, 0, 3, 192, 128, 0, 0, replicated), plan.shard(2));
  }

  @Test
  void shouldKeepASlowRankFromHoldingUpTheOthers() {
    ShardPlan plan =
        ShardPlan.weighted(
            config(9, 3, 64, 1536),
            new ShardUnits(9, 1, 1536, 32),
            new double[] {0.6, 0.4, 0.2, 0.1});
    // After 8.3 = 5/0.6, where one head for the last would take 10.
    assertEquals(List.of(5, 3, 1, 0), heads(plan));
  }

  private static List<Integer> heads(ShardPlan plan) {
    return IntStream.range(0, plan.worldSize())
        .map(r -> plan.shard(r).headCount())
        .boxed()
        .toList();
  }

  @Test
  void shouldGiveNothingToRanksWithoutShare() {
    ShardPlan plan =
        ShardPlan.weighted(
            config(9, 3, 64, 320), new ShardUnits(9, 1, 320, 32), new double[] {0, 1, 0});
    assertEquals(0, plan.shard(0).headCount() + plan.shard(2).headCount());
    assertEquals(0, plan.shard(0).kvHeadCount() + plan.shard(2).kvHeadCount());
    assertEquals(9, plan.shard(1).headCount());
    assertEquals(320, plan.shard(1).ffnColumnCount());
    assertEquals(10, plan.shard(0).logitCount());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 1025})
  void shouldRefuseWorldSize(int worldSize) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> ShardPlan.equal(config(2, 1, 64, 64), new ShardUnits(2, 1, 64, 32), worldSize));
    assertTrue(e.toString().contains("worldSize=" + worldSize + " is out of range"), e::toString);
  }

  @ParameterizedTest
  @CsvSource({
    "NaN, share of rank=1 is NaN",
    "-1, share of rank=1 is -1.0",
    "Infinity, share of rank=1 is Infinity",
    "0, shares add up to 0.0",
  })
  void shouldRefuseShares(double share, String expected) {
    double[] shares = {0, share};
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> ShardPlan.weighted(config(2, 1, 64, 64), new ShardUnits(2, 1, 64, 32), shares));
    assertTrue(e.toString().contains(expected), e::toString);
  }

  @Test
  void shouldRefuseUnknownRank() {
    ShardPlan plan = ShardPlan.equal(config(2, 1, 64, 64), new ShardUnits(2, 1, 64, 32), 2);
    assertThrows(IllegalArgumentException.class, () -> plan.shard(2));
    assertThrows(IllegalArgumentException.class, () -> plan.shard(-1));
  }

  /** Runs follow one another from 0 to the end, so each head and column is held exactly once. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void shouldCoverEverythingOnce(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      int kvHeads = 1 + random.nextInt(8);
      int group = 1 + random.nextInt(8);
      int headsPerUnit = randomDivisor(kvHeads * group, random);
      int ffn = 1 + random.nextInt(2000);
      ModelConfig config = config(kvHeads * group, kvHeads, 64, ffn);
      ShardUnits units =
          new ShardUnits(kvHeads * group, headsPerUnit, ffn, 1 + random.nextInt(ffn));
      double[] shares = new double[1 + random.nextInt(40)];
      for (int rank = 0; rank < shares.length; rank++) {
        shares[rank] = random.nextInt(4) == 0 ? 0 : Math.exp(5 * random.nextGaussian());
      }
      shares[random.nextInt(shares.length)] = 1;
      checkPlan(config, units, shares, "seed=" + seed + " round=" + round);
    }
  }

  private static void checkPlan(
      ModelConfig config, ShardUnits units, double[] shares, String where) {
    ShardPlan plan = ShardPlan.weighted(config, units, shares);
    assertEquals(shares.length, plan.worldSize(), where);
    int head = 0;
    int column = 0;
    for (int rank = 0; rank < shares.length; rank++) {
      RankShard shard = plan.shard(rank);
      String what = where + " " + shard;
      assertEquals(head, shard.firstHead(), what);
      assertEquals(column, shard.firstFfnColumn(), what);
      head += shard.headCount();
      column += shard.ffnColumnCount();
      assertEquals(0, shard.headCount() % units.headsPerUnit(), what);
      assertTrue(
          shard.ffnColumnCount() % units.ffnColumnsPerUnit() == 0 || column == units.ffnSize(),
          what);
      checkNobodyWouldBeDoneEarlier(plan, units, shares, rank, what);
      assertEquals(0, shard.firstLogit(), what);
      assertEquals(rank == 0 ? config.vocabularySize() : 0, shard.logitCount(), what);
      checkKvHeads(config, shard, what);
    }
    assertEquals(config.headCount(), head, where);
    assertEquals(config.ffnSize(), column, where);
    checkSharedHead(config, plan, shares, where);
  }

  private static void checkSharedHead(
      ModelConfig config, ShardPlan plan, double[] shares, String where) {
    ShardPlan sharing = plan.sharingHead(3, shares);
    int logit = 0;
    for (int rank = 0; rank < shares.length; rank++) {
      RankShard shard = sharing.shard(rank);
      String what = where + " " + shard;
      assertEquals(logit, shard.firstLogit(), what);
      logit += shard.logitCount();
      assertTrue(shard.logitCount() % 3 == 0 || logit == config.vocabularySize(), what);
      assertTrue(shares[rank] > 0 || shard.logitCount() == 0, what);
      assertEquals(plan.shard(rank).headCount(), shard.headCount(), what);
      assertEquals(plan.shard(rank).ffnColumnCount(), shard.ffnColumnCount(), what);
    }
    assertEquals(config.vocabularySize(), logit, where);
  }

  /** No unit of a rank would be done earlier elsewhere. */
  private static void checkNobodyWouldBeDoneEarlier(
      ShardPlan plan, ShardUnits units, double[] shares, int rank, String what) {
    int count = plan.shard(rank).headCount() / units.headsPerUnit();
    for (int other = 0; count > 0 && other < shares.length; other++) {
      int more = plan.shard(other).headCount() / units.headsPerUnit() + 1;
      assertTrue(count / shares[rank] <= more / shares[other] * (1 + 1e-9), what);
    }
  }

  private static void checkKvHeads(ModelConfig config, RankShard shard, String what) {
    int group = config.headCount() / config.kvHeadCount();
    assertTrue(shard.firstKvHead() >= 0 && shard.firstKvHead() < config.kvHeadCount(), what);
    if (shard.headCount() == 0) {
      assertEquals(0, shard.kvHeadCount(), what);
      return;
    }
    int lastHead = shard.firstHead() + shard.headCount() - 1;
    assertEquals(shard.firstHead() / group, shard.firstKvHead(), what);
    assertEquals(lastHead / group, shard.firstKvHead() + shard.kvHeadCount() - 1, what);
  }

  private static int randomDivisor(int value, Random random) {
    int divisor = 1 + random.nextInt(value);
    while (value % divisor != 0) {
      divisor--;
    }
    return divisor;
  }

  private static ModelConfig config(int heads, int kvHeads, int headDim, int ffn) {
    return new ModelConfig(
        Architecture.LLAMA,
        2,
        64,
        ffn,
        heads,
        kvHeads,
        headDim,
        10,
        128,
        1e-5f,
        new Rope(headDim, 10_000, 10_000, 1, false),
        0,
        0,
        1,
        0,
        0,
        1,
        Activation.SILU,
        true);
  }
}
