package org.kithlm.transport.collective;

import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.protocol.DataHeaderFlyweight;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.media.FrameReceiver;
import org.kithlm.transport.media.FrameSender;
import org.kithlm.transport.media.Media;

/**
 * Ranks that run one at a time over a network in memory, in an order that a {@link Schedule}
 * chooses: who runs next until it hands over (whenever it drives its media or looks ahead), which
 * frame in flight arrives next, and when an event of the test happens. Links keep their own order,
 * as Aeron does; between links any order is possible. The same choices give the same run.
 *
 * <p>Time is what the ranks' clock says. It stands still but for a moment at each hand-over, and
 * leaps when nothing else can happen, so that time-outs end what would wait forever.
 */
final class Simulation {
  /** Of flow control: frames on the way to a rank, and not yet taken by it, from one other. */
  private static final int WINDOW_FRAMES = 3;

  /** So many more where nothing is to be spared. */
  private static final int SPARED_FRAMES = 32;

  private static final long HAND_OVER_NS = 1_000_000;
  private static final int STEPS_MAX = 20_000;
  private static final int LEAPS_MAX = 200;
  private static final int DUPLICATES_MAX = 3; // of each link
  private static final long HANDED_BACK_WITHIN_S = 60;

  private final ExecutorService threads;
  private final Schedule schedule;
  private final long leapNs;
  private final List<Actor> actors = new ArrayList<>();
  private final List<Event> events = new ArrayList<>();
  private final List<Wire> wires = new ArrayList<>();
  private final Map<String, MemoryMedia> open = new HashMap<>(); // by endpoint
  private int nextActor;
  private boolean duplicating;
  private long nowNs;

  /**
   * Nothing runs yet.
   *
   * @param threads one for each rank
   * @param leapNs by how much time leaps
   */
  Simulation(ExecutorService threads, Schedule schedule, long leapNs) {
    this.threads = threads;
    this.schedule = schedule;
    this.leapNs = leapNs;
  }

  /** Something that may happen. */
  private record Event(String name, Runnable action) {}

  /** Adds a rank. */
  Actor actor(String name, Runnable body) {
    Actor actor = new Actor(name, body);
    actors.add(actor);
    return actor;
  }

  /** Adds something that happens once, whenever the schedule wants, or not at all. */
  void event(String name, Runnable action) {
    events.add(new Event(name, action));
  }

  NanoClock clock() {
    return () -> nowNs;
  }

  /** What carries the frames of a rank of a plan; called by its actor. */
  Media open(Actor actor, SessionConfig config) {
    String endpoint = config.peers().get(config.rank()).endpoint();
    MemoryMedia media = new MemoryMedia(actor, endpoint, config);
    if (open.put(endpoint, media) != null) {
      throw new AssertionError(endpoint + " is in use");
    }
    return media;
  }

  /** Has frames arrive twice now and then, which only sealed sessions are to bear. */
  void duplicate() {
    duplicating = true;
  }

  /** Runs until all actors that live are done; fails if they hang. */
  void run() {
    int leaps = 0;
    for (int step = 0; actors.stream().anyMatch(Actor::isAlive); step++) {
      if (leaps > LEAPS_MAX || step > STEPS_MAX) {
        throw new AssertionError("no end in sight: " + this);
      }
      List<Event> choices = usualChoices();
      int usual = choices.size();
      if (usual == 0) {
        leaps++;
        nowNs += leapNs;
        actors.forEach(actor -> actor.sleeping = false);
        continue;
      }
      choices.addAll(events);
      if (duplicating) {
        arrivingWires().forEach(wire -> choices.add(new Event("twice " + wire, wire::duplicate)));
      }
      Event chosen =
          choices.get(schedule.choose(choices.stream().map(Event::name).toList(), usual));
      events.remove(chosen);
      chosen.action.run();
    }
    actors.forEach(Actor::end);
  }

  /** What is in flight arrives, in the order of its links; then ranks take turns. */
  private List<Event> usualChoices() {
    List<Event> choices = new ArrayList<>();
    arrivingWires().forEach(wire -> choices.add(new Event("arrives " + wire, wire::deliver)));
    for (int i = 0; i < actors.size(); i++) {
      Actor actor = actors.get((nextActor + i) % actors.size());
      if (actor.canRun()) {
        choices.add(new Event("runs " + actor.name, () -> run(actor)));
      }
    }
    return choices;
  }

  private Stream<Wire> arrivingWires() {
    return wires.stream().filter(wire -> !wire.inFlight.isEmpty() && open.containsKey(wire.target));
  }

  private void run(Actor actor) {
    nextActor = actors.indexOf(actor) + 1;
    actor.handOver();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("at " + nowNs + " ns");
    for (Actor actor : actors) {
      text.append(", ").append(actor);
    }
    for (Wire wire : wires) {
      text.append(", ").append(wire).append(" in flight=").append(wire.inFlight.size());
    }
    return text.toString();
  }

  /** Unwinds an actor that was killed. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1L;

    Killed() {
      super("killed", null, false, false);
    }
  }

  /** A rank's thread, which runs only while it is its turn. */
  final class Actor {
    private final String name;
    private final Runnable body;
    private final Semaphore turn = new Semaphore(0);
    private final Semaphore back = new Semaphore(0);
    private @Nullable Future<?> thread;
    private volatile boolean sleeping;
    private volatile boolean done;
    private volatile boolean dead;
    private volatile @Nullable Throwable failure;

    private Actor(String name, Runnable body) {
      this.name = name;
      this.body = body;
    }

    boolean isAlive() {
      return !done && !dead;
    }

    /** Nothing is heard of it any more but what is in flight. */
    void kill() {
      dead = true;
    }

    private boolean canRun() {
      return isAlive() && !sleeping;
    }

    /** Lets it run until it hands back. */
    private void handOver() {
      if (thread == null) {
        thread = threads.submit(this::live);
      }
      turn.release();
      acquire(back);
      if (failure != null) {
        throw new AssertionError(name, failure);
      }
    }

    /** Unwinds a dead one, so that its thread is free again. */
    private void end() {
      if (thread != null && !done) {
        handOver();
      }
    }

    private void live() {
      acquire(turn);
      try {
        body.run();
      } catch (Killed e) {
        // as planned
      } catch (Throwable e) {
        failure = e;
      } finally {
        done = true;
        back.release();
      }
    }

    /** Called by the rank: others may run now. */
    private void handBack(boolean asleep) {
      nowNs += HAND_OVER_NS;
      if (dead) {
        throw new Killed();
      }
      sleeping = asleep;
      back.release();
      acquire(turn);
      if (dead) {
        throw new Killed();
      }
    }

    private void acquire(Semaphore semaphore) {
      try {
        if (!semaphore.tryAcquire(HANDED_BACK_WITHIN_S, TimeUnit.SECONDS)) {
          throw new AssertionError(name + " does not hand over: " + this);
        }
      } catch (InterruptedException e) {
        throw new AssertionError(name, e);
      }
    }

    @Override
    public String toString() {
      return name + (done ? " done" : dead ? " dead" : sleeping ? " sleeps" : " runs");
    }
  }

  /** Frames of one sender for an endpoint, whoever receives there when they arrive. */
  private final class Wire {
    private final Actor sender;
    private final String target;
    private final Deque<UnsafeBuffer> inFlight = new ArrayDeque<>();
    private final Map<MemoryMedia, MemoryReceiver> receivers = new HashMap<>();
    private int untaken;
    private int duplicates;

    Wire(Actor sender, String target) {
      this.sender = sender;
      this.target = target;
    }

    private void duplicate() {
      if (duplicates++ < DUPLICATES_MAX) {
        inFlight.addFirst(inFlight.element());
        untaken++;
      }
      deliver();
    }

    private void deliver() {
      MemoryMedia media = Objects.requireNonNull(open.get(target));
      MemoryReceiver receiver =
          receivers.computeIfAbsent(
              media,
              key -> {
                MemoryReceiver added = new MemoryReceiver(this, media.owner);
                media.receivers.add(added);
                return added;
              });
      receiver.arrived.add(inFlight.remove());
      media.arrivals++;
      media.owner.sleeping = false;
    }

    @Override
    public String toString() {
      return sender.name + " > " + target;
    }
  }

  private final class MemoryMedia implements Media {
    private final Actor owner;
    private final String endpoint;
    private final List<MemoryReceiver> receivers = new ArrayList<>();
    private final SessionConfig config;
    private int arrivals;
    private int turn; // of frame lengths, on which ranks need not agree

    MemoryMedia(Actor owner, String endpoint, SessionConfig config) {
      this.owner = owner;
      this.endpoint = endpoint;
      this.config = config;
      turn = config.rank();
    }

    @Override
    public int doWork() {
      owner.handBack(false);
      int work = arrivals;
      arrivals = 0;
      return work;
    }

    @Override
    public void giveWay() {
      owner.handBack(false);
    }

    @Override
    public void nap(long napNs) {
      owner.handBack(false);
    }

    @Override
    public void await(long timeoutMs) {
      if (arrivals == 0) {
        owner.handBack(true);
      }
    }

    @Override
    public void wakeUp() {
      owner.sleeping = false;
    }

    @Override
    public FrameSender senderTo(PeerAddress peer) {
      Wire wire = new Wire(owner, peer.endpoint());
      wires.add(wire);
      return new FrameSender() {
        @Override
        public boolean tryClaim(int lengthBytes, int spareBytes, BufferClaim claim) {
          if (wire.untaken >= WINDOW_FRAMES + (spareBytes == 0 ? SPARED_FRAMES : 0)) {
            return false;
          }
          int length = DataHeaderFlyweight.HEADER_LENGTH + lengthBytes;
          UnsafeBuffer frame = new UnsafeBuffer(new byte[length]);
          claim.wrap(frame, 0, length);
          if (!owner.dead) {
            wire.inFlight.add(frame);
            wire.untaken++;
          }
          return true;
        }

        @Override
        public boolean isFlushed() {
          return true;
        }
      };
    }

    @Override
    public int frameLengthMax() {
      return turn++ % 2 == 0 ? config.mtuLength() : config.datagramLength();
    }

    @Override
    public int receiverCount() {
      return receivers.size();
    }

    @Override
    public FrameReceiver receiver(int index) {
      return receivers.get(index);
    }

    @Override
    public void close() {
      open.remove(endpoint, this);
    }
  }

  private static final class MemoryReceiver implements FrameReceiver {
    private final Wire wire;
    private final Deque<UnsafeBuffer> arrived = new ArrayDeque<>();
    private final Actor owner;
    private int shownAhead; // of those that have arrived

    MemoryReceiver(Wire wire, Actor owner) {
      this.wire = wire;
      this.owner = owner;
    }

    @Override
    public void poll(ControlledFragmentHandler handler, int limit) {
      for (int i = 0; i < limit && !arrived.isEmpty(); i++) {
        Action action = show(arrived.element(), handler);
        if (action == Action.ABORT) {
          return;
        }
        arrived.remove();
        shownAhead = Math.max(0, shownAhead - 1);
        wire.untaken--;
        if (action == Action.BREAK) {
          return;
        }
      }
    }

    /** Shows each frame once, as Aeron's does. The rank may have lost its core just before. */
    @Override
    public void lookAhead(ControlledFragmentHandler handler) {
      owner.handBack(false);
      List<UnsafeBuffer> frames = List.copyOf(arrived);
      for (UnsafeBuffer frame : frames.subList(shownAhead, frames.size())) {
        show(frame, handler);
      }
      shownAhead = frames.size();
    }

    private static Action show(UnsafeBuffer frame, ControlledFragmentHandler handler) {
      int headerBytes = DataHeaderFlyweight.HEADER_LENGTH;
      return handler.onFragment(frame, headerBytes, frame.capacity() - headerBytes, null);
    }

    @Override
    public boolean isGone() {
      return false; // only a goodbye tells, which is the harder case
    }
  }
}
