package org.kithlm.memory;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The part of the cycle of streamed tiles that is in memory or on its way there. Readers claim
 * tiles in order, as far ahead of the consumer as the ring has room, past the last one to the first
 * again; that room is the only back pressure. Not thread-safe and never waits: {@link TileRing}
 * adds lock, threads and deadlines.
 */
final class TileWindow {
  /** One tile on its way through the ring. */
  static final class Slot {
    private final int position;
    private final ReadRun run;
    private final RingSpace.Region region;
    private State state = State.LOADING;
    private @Nullable TileReadException failure;

    private Slot(int position, ReadRun run, RingSpace.Region region) {
      this.position = position;
      this.run = run;
      this.region = region;
    }

    ReadRun run() {
      return run;
    }

    int tile() {
      return run.tiles().getFirst();
    }

    /** Where in the ring its run belongs. */
    long offsetBytes() {
      return region.offsetBytes();
    }

    /** Why it could not be read; null if it could. */
    @Nullable TileReadException failure() {
      return failure;
    }
  }

  private enum State {
    /** A reader writes to it. */
    LOADING,
    /** A reader writes to it, and nobody wants it any more. */
    UNWANTED,
    /** Read and checked, or failed. */
    LOADED,
    /** Lent to the consumer. */
    HELD,
    /** Its memory is given back. */
    FREE
  }

  private final List<ReadRun> cycle;
  private final RingSpace space;
  private final ArrayDeque<Slot> ahead = new ArrayDeque<>(); // claimed, not yet taken
  private int nextClaim;

  /**
   * An empty window.
   *
   * @param cycle the streamed tiles in order of use, each a run by itself
   * @param ringBytes at least the longest run
   */
  TileWindow(List<ReadRun> cycle, long ringBytes) {
    this.cycle = List.copyOf(cycle);
    this.space = new RingSpace(ringBytes);
  }

  /** The next tile to read, or null while the ring is full. A reader must end what it claims. */
  @Nullable Slot claim() {
    ReadRun run = cycle.get(nextClaim);
    RingSpace.Region region = space.reserve(run.spanBytes());
    if (region == null) {
      return null;
    }
    Slot slot = new Slot(nextClaim, run, region);
    ahead.add(slot);
    nextClaim = (nextClaim + 1) % cycle.size();
    return slot;
  }

  /**
   * Ends a read.
   *
   * @return whether the tile is still wanted; otherwise its memory is free now
   */
  boolean loaded(Slot slot, @Nullable TileReadException failure) {
    if (slot.state == State.UNWANTED) {
      free(slot);
      return false;
    }
    become(slot, State.LOADING, State.LOADED);
    slot.failure = failure;
    return true;
  }

  /**
   * The next tile for the consumer, or null while it is not there. One that failed stays next until
   * {@link #rewind}.
   */
  @Nullable Slot take() {
    Slot next = ahead.peek();
    if (next == null || next.state != State.LOADED) {
      return null;
    }
    if (next.failure == null) {
      become(next, State.LOADED, State.HELD);
      ahead.remove();
    }
    return next;
  }

  /** Takes a tile back from the consumer. */
  void release(Slot slot) {
    become(slot, State.HELD, State.FREE);
    space.free(slot.region);
  }

  /**
   * The consumer starts over. What was read ahead for the next cycle stays, up to the first
   * failure, which is thereby tried again; the rest is dropped, reads in flight when they end.
   */
  void rewind() {
    boolean skipped = true;
    boolean failed = false;
    for (Iterator<Slot> slots = ahead.iterator(); slots.hasNext(); ) {
      Slot slot = slots.next();
      skipped &= slot.position != 0;
      failed |= slot.failure != null && !skipped;
      if (skipped || failed) {
        slots.remove();
        drop(slot);
      }
    }
    Slot last = ahead.peekLast();
    nextClaim = last == null ? 0 : (last.position + 1) % cycle.size();
  }

  private void drop(Slot slot) {
    if (slot.state == State.LOADING) {
      slot.state = State.UNWANTED;
    } else {
      free(slot);
    }
  }

  private void free(Slot slot) {
    slot.state = State.FREE;
    space.free(slot.region);
  }

  private static void become(Slot slot, State from, State to) {
    assert slot.state == from : slot.state + " instead of " + from;
    slot.state = to;
  }
}
