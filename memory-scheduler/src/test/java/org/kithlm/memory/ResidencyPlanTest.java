package org.kithlm.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ResidencyPlanTest {
  private static final int BLOCK = 4096;

  @Test
  void shouldPinEverythingThatFitsExactly() {
    List<TileExtent> extents = tiles(50, 2 << 20);
    ResidencyPlan plan = plan(extents, 100L << 20);
    assertEquals(IntStream.range(0, 50).boxed().toList(), plan.pinned());
    assertEquals(List.of(), plan.streamed());
    assertEquals(0, plan.ringBytes());
  }

  @Test
  void shouldSpreadPinnedTilesEvenly() {
    List<TileExtent> extents = tiles(1000, 1 << 20);
    // A quarter of 400 MiB exceeds the largest ring of 80, so 320 of 1000 tiles stay.
    ResidencyPlan plan = plan(extents, 400L << 20);
    assertEquals(80L << 20, plan.ringBytes());
    assertEquals(320, plan.pinned().size());
    for (int i = 1; i < plan.pinned().size(); i++) {
      int distance = plan.pinned().get(i) - plan.pinned().get(i - 1);
      assertTrue(distance == 3 || distance == 4, "pinned " + plan.pinned());
    }
  }

  @Test
  void shouldHaveASmallRingInASmallBudget() {
    assertEquals(20L << 20, plan(tiles(1000, 1 << 20), 80L << 20).ringBytes());
    assertEquals(8L << 20, plan(tiles(1000, 1 << 20), 9L << 20).ringBytes());
  }

  @Test
  void shouldTellTheSmallestBudgetThatWorks() {
    List<TileExtent> extents = tiles(100, 1 << 20);
    IllegalArgumentException refusal =
        assertThrows(IllegalArgumentException.class, () -> plan(extents, (8 << 20) - 1));
    assertEquals(
        "a memory budget of 8388607 bytes is too small for 104857600 bytes of weights; the smallest"
            + " that works is 8388608 bytes",
        refusal.getMessage());
    assertEquals(100, plan(extents, 8 << 20).streamed().size());

    List<TileExtent> few = tiles(2, 1 << 20);
    IllegalArgumentException fewRefusal =
        assertThrows(IllegalArgumentException.class, () -> plan(few, 100));
    assertTrue(String.valueOf(fewRefusal.getMessage()).endsWith("is 2097152 bytes"));
    assertEquals(2, plan(few, 2 << 20).pinned().size());
  }

  @Test
  void shouldStayWithinTheBudgetAndCoverEveryTileOnce() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      String message = "seed=" + seed + " round=" + round;
      List<TileExtent> extents = new ArrayList<>();
      long offset = random.nextInt(10_000);
      for (int i = 1 + random.nextInt(200); i > 0; i--) {
        int length = 1 + random.nextInt(100_000);
        extents.add(extent(offset, length));
        offset += length + (random.nextBoolean() ? 0 : random.nextInt(20_000));
      }
      long budget = 8L * (100_000 + 2 * BLOCK) + random.nextInt(10_000_000);
      ResidencyPlan plan = plan(extents, budget);
      long pinnedBytes =
          ReadRun.plan(extents, plan.pinned(), BLOCK).stream().mapToLong(ReadRun::spanBytes).sum();
      assertTrue(pinnedBytes + plan.ringBytes() <= budget, message);
      assertEquals(
          IntStream.range(0, extents.size()).boxed().toList(),
          Stream.concat(plan.pinned().stream(), plan.streamed().stream()).sorted().toList(),
          message);
    }
  }

  @Test
  void shouldSizeTheRingForRateAndStall() {
    // 100 ms at 1.5 GB/s and 5 x 4 MiB: 171 MB, the next multiple of 16 MiB
    assertEquals(176L << 20, ResidencySettings.ringBytes(1_500_000_000, 100_000_000));
    assertEquals(80L << 20, ResidencySettings.RING_BYTES_DEFAULT);
  }

  @Test
  void shouldRefuseSettingsThatAreNotPositive() {
    IllegalArgumentException refusal =
        assertThrows(IllegalArgumentException.class, () -> ResidencySettings.within(0));
    assertTrue(String.valueOf(refusal.getMessage()).contains("budgetBytes=0"));
  }

  private static ResidencyPlan plan(List<TileExtent> extents, long budgetBytes) {
    return ResidencyPlan.of(extents, BLOCK, ResidencySettings.within(budgetBytes));
  }

  private static List<TileExtent> tiles(int count, int lengthBytes) {
    return IntStream.range(0, count)
        .mapToObj(i -> extent((long) i * lengthBytes, lengthBytes))
        .toList();
  }

  private static TileExtent extent(long offsetBytes, int lengthBytes) {
    return new TileExtent(offsetBytes, lengthBytes, List.of(new TileExtent.Piece(lengthBytes, 0)));
  }
}
