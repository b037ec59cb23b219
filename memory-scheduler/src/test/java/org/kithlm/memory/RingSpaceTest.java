package org.kithlm.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RingSpaceTest {
  @Test
  void shouldStartOverWhereARegionDoesNotFitBeforeTheEnd() {
    RingSpace space = new RingSpace(10);
    RingSpace.Region first = reserve(space, 4);
    RingSpace.Region second = reserve(space, 4);
    assertEquals(4, second.offsetBytes());
    assertNull(space.reserve(3)); // 2 bytes at the end, none at the start
    space.free(first);
    assertNull(space.reserve(5));
    assertEquals(0, reserve(space, 4).offsetBytes());
    assertNull(space.reserve(1)); // full, but for the 2 bytes that were skipped
  }

  @Test
  void shouldKeepARegionGivenBackEarlyUntilTheOlderOnesAre() {
    RingSpace space = new RingSpace(10);
    RingSpace.Region first = reserve(space, 5);
    RingSpace.Region second = reserve(space, 5);
    space.free(second);
    assertNull(space.reserve(5));
    space.free(first);
    assertEquals(0, reserve(space, 10).offsetBytes());
  }

  @Test
  void shouldNeverHandOutAByteTwice() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int capacity = 1 + random.nextInt(40);
      RingSpace space = new RingSpace(capacity);
      List<RingSpace.Region> live = new ArrayList<>();
      for (int step = 0; step < 200; step++) {
        if (!live.isEmpty() && random.nextInt(3) == 0) {
          space.free(live.remove(random.nextInt(live.size())));
        }
        int length = 1 + random.nextInt(capacity);
        boolean empty = live.isEmpty();
        RingSpace.Region region = space.reserve(length);
        String message = "seed=" + seed + " round=" + round + " step=" + step;
        assertTrue(!empty || region != null, message + ": no room in an empty ring");
        if (region != null) {
          assertEquals(length, region.endBytes() - region.offsetBytes(), message);
          assertTrue(region.offsetBytes() >= 0 && region.endBytes() <= capacity, message);
          for (RingSpace.Region other : live) {
            assertTrue(
                region.endBytes() <= other.offsetBytes()
                    || other.endBytes() <= region.offsetBytes(),
                message);
          }
          live.add(region);
        }
      }
    }
  }

  private static RingSpace.Region reserve(RingSpace space, int lengthBytes) {
    RingSpace.Region region = space.reserve(lengthBytes);
    assertNotNull(region, "no room for " + lengthBytes);
    return region;
  }
}
