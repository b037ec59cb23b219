package org.kithlm.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TileWindowTest {
  private final TileReadException failure = new TileReadException(0, "broken", null);

  @Test
  void shouldReadAheadPastTheLastTileToTheFirst() {
    TileWindow window = window(30, 10, 10);
    assertEquals(List.of(0, 1, 0), tiles(List.of(claim(window), claim(window), claim(window))));
    assertNull(window.claim());
  }

  @Test
  void shouldMakeRoomForTheNextTileOnRelease() {
    TileWindow window = window(20, 10, 10, 10);
    window.loaded(claim(window), null);
    claim(window);
    assertNull(window.claim());
    TileWindow.Slot first = assertTake(window, 0);
    assertNull(window.claim());
    window.release(first);
    assertEquals(2, claim(window).tile());
  }

  @Test
  void shouldHandOutTilesInOrderThoughTheyArriveOutOfOrder() {
    TileWindow window = window(20, 10, 10);
    TileWindow.Slot first = claim(window);
    window.loaded(claim(window), null);
    assertNull(window.take());
    window.loaded(first, null);
    assertTake(window, 0);
    assertTake(window, 1);
  }

  @Test
  void shouldKeepWhatWasReadForTheNextCycleOnRewind() {
    TileWindow window = window(40, 10, 10, 10);
    for (int i = 0; i < 4; i++) {
      window.loaded(claim(window), null); // tiles 0, 1, 2 and 0 again
    }
    window.release(assertTake(window, 0)); // tiles 1 and 2 will be skipped
    TileWindow.Slot inFlight = claim(window); // tile 1 of the next cycle
    window.rewind();
    assertTake(window, 0);
    assertTrue(window.loaded(inFlight, null));
    assertTake(window, 1);
    assertEquals(2, claim(window).tile());
  }

  @Test
  void shouldKeepEverythingOnRewindBeforeTheFirstTile() {
    TileWindow window = window(20, 10, 10);
    TileWindow.Slot first = claim(window);
    window.rewind();
    assertTrue(window.loaded(first, null));
    assertSame(first, window.take());
  }

  @Test
  void shouldDropReadsInFlightOnRewindWhenTheyEnd() {
    TileWindow window = window(20, 10, 10, 10);
    window.loaded(claim(window), null);
    window.release(assertTake(window, 0));
    TileWindow.Slot second = claim(window);
    TileWindow.Slot third = claim(window);
    window.rewind();
    assertNull(window.claim()); // the disk still writes to all of the ring
    assertTrue(!window.loaded(second, null));
    assertEquals(0, claim(window).tile());
    assertTrue(!window.loaded(third, failure));
  }

  @Test
  void shouldTryAFailedTileAgainAfterRewind() {
    TileWindow window = window(30, 10, 10, 10);
    window.loaded(claim(window), null);
    window.loaded(claim(window), failure);
    window.loaded(claim(window), null);
    window.release(assertTake(window, 0));
    for (int i = 0; i < 2; i++) {
      TileWindow.Slot failed = window.take();
      assertNotNull(failed);
      assertSame(failure, failed.failure());
    }
    window.rewind();
    assertEquals(0, claim(window).tile());
    assertEquals(1, claim(window).tile());
  }

  /** Every sequence of eight actions of two readers and a consumer that holds up to two tiles. */
  @Test
  void shouldKeepItsInvariantsInEveryInterleaving() {
    long states = 0;
    for (int[] lengths : new int[][] {{1, 1}, {1, 2, 1}, {2, 1, 3}}) {
      for (int ringBytes = 3; ringBytes <= 5; ringBytes++) {
        states += explore(lengths, ringBytes, new ArrayList<>(), 8);
      }
    }
    assertTrue(states > 10_000, "states=" + states);
  }

  @Test
  void shouldKeepItsInvariantsInLongRandomInterleavings() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Action[] actions = Action.values();
    for (int round = 0; round < 20_000; round++) {
      int[] lengths = random.ints(1 + random.nextInt(6), 1, 5).toArray();
      Replay replay = new Replay(lengths, 4 + random.nextInt(12));
      List<Action> path = new ArrayList<>();
      try {
        for (int step = 0; step < 60; step++) {
          Action action = actions[random.nextInt(actions.length)];
          if (action == Action.REWIND && random.nextInt(5) > 0) {
            continue; // seldom, so that whole cycles happen
          }
          path.add(action);
          replay.apply(action);
        }
        replay.finish();
        replay.assertProgress(path);
      } catch (AssertionError e) {
        throw new AssertionError("seed=" + seed + " round=" + round + " path=" + path, e);
      }
    }
  }

  private enum Action {
    CLAIM,
    LOAD_OLDEST,
    LOAD_NEWEST,
    FAIL_OLDEST,
    TAKE,
    RELEASE,
    REWIND
  }

  /** Replays a path for each action that can follow it, as a window cannot be copied. */
  private static long explore(int[] lengths, int ringBytes, List<Action> path, int depth) {
    long states = 1;
    for (Action action : Action.values()) {
      path.add(action);
      Replay replay = new Replay(lengths, ringBytes);
      boolean possible = true;
      for (Action step : path) {
        possible = replay.apply(step);
      }
      if (possible) {
        replay.assertProgress(path);
        if (depth > 1) {
          states += explore(lengths, ringBytes, path, depth - 1);
        }
      }
      path.removeLast();
    }
    return states;
  }

  /** The window, and beside it who owns which bytes of the ring. */
  private static final class Replay {
    private final TileWindow window;
    private final int tileCount;
    private final TileWindow.@Nullable Slot[] bytes;
    private final ArrayDeque<TileWindow.Slot> loading = new ArrayDeque<>();
    private final ArrayDeque<TileWindow.Slot> held = new ArrayDeque<>();
    private final TileReadException failure = new TileReadException(0, "broken", null);
    private int expected;

    Replay(int[] lengths, int ringBytes) {
      window = window(ringBytes, lengths);
      tileCount = lengths.length;
      bytes = new TileWindow.@Nullable Slot[ringBytes];
    }

    /** False if nothing can happen. */
    boolean apply(Action action) {
      return switch (action) {
        case CLAIM -> loading.size() < 2 && claim();
        case LOAD_OLDEST -> !loading.isEmpty() && end(loading.removeFirst(), null);
        case LOAD_NEWEST -> loading.size() > 1 && end(loading.removeLast(), null);
        case FAIL_OLDEST -> !loading.isEmpty() && end(loading.removeFirst(), failure);
        case TAKE -> held.size() < 2 && take();
        case RELEASE -> !held.isEmpty() && release();
        case REWIND -> held.isEmpty() && rewind();
      };
    }

    private boolean claim() {
      TileWindow.Slot slot = window.claim();
      if (slot == null) {
        return false;
      }
      for (long i = slot.offsetBytes(); i < end(slot); i++) {
        // Whoever had these bytes must be done with them.
        assertTrue(!loading.contains(bytes[(int) i]) && !held.contains(bytes[(int) i]));
        bytes[(int) i] = slot;
      }
      return loading.add(slot);
    }

    private boolean end(TileWindow.Slot slot, @Nullable TileReadException cause) {
      window.loaded(slot, cause);
      return true;
    }

    private boolean take() {
      TileWindow.Slot slot = window.take();
      if (slot == null) {
        return false;
      }
      assertEquals(expected, slot.tile());
      for (long i = slot.offsetBytes(); i < end(slot); i++) {
        assertSame(slot, bytes[(int) i]);
      }
      if (slot.failure() != null) {
        return false;
      }
      expected = (expected + 1) % tileCount;
      return held.add(slot);
    }

    private boolean release() {
      window.release(held.removeFirst());
      return true;
    }

    private boolean rewind() {
      window.rewind();
      expected = 0;
      return true;
    }

    /** Ends reads and loans. */
    void finish() {
      while (!loading.isEmpty()) {
        end(loading.removeFirst(), null);
      }
      while (!held.isEmpty()) {
        release();
      }
    }

    /** With nothing in flight and nothing held, the next tile is there or can be claimed. */
    void assertProgress(List<Action> path) {
      if (loading.isEmpty() && held.isEmpty()) {
        TileWindow.Slot next = window.take();
        if (next == null) {
          next = window.claim();
        }
        assertNotNull(next, () -> "stuck after " + path);
        assertEquals(expected, next.tile(), () -> "after " + path);
      }
    }

    private static long end(TileWindow.Slot slot) {
      return slot.offsetBytes() + slot.run().spanBytes();
    }
  }

  private static TileWindow window(long ringBytes, int... lengths) {
    List<ReadRun> cycle = new ArrayList<>();
    for (int tile = 0; tile < lengths.length; tile++) {
      cycle.add(new ReadRun(100L * tile, lengths[tile], lengths[tile], List.of(tile)));
    }
    return new TileWindow(cycle, ringBytes);
  }

  private static TileWindow.Slot claim(TileWindow window) {
    TileWindow.Slot slot = window.claim();
    assertNotNull(slot);
    return slot;
  }

  private static TileWindow.Slot assertTake(TileWindow window, int tile) {
    TileWindow.Slot slot = window.take();
    assertNotNull(slot);
    assertEquals(tile, slot.tile());
    assertNull(slot.failure());
    return slot;
  }

  private static List<Integer> tiles(List<TileWindow.Slot> slots) {
    return slots.stream().map(TileWindow.Slot::tile).toList();
  }
}
