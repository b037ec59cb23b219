package org.kithlm.transport.collective;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The choices of one run of a {@link Simulation}. The usual choice is the first: frames arrive at
 * once and ranks take turns. A schedule departs from that at some points; trying all schedules with
 * few departures finds most of what an order can break (delay-bounded scheduling, Emmi, Qadeer and
 * Rakamaric 2011).
 */
final class Schedule {
  /** At the {@code point}-th choice takes the {@code choice}-th. */
  private record Departure(int point, int choice) {}

  // With random choices, how rare an event is among them.
  private static final int EVENT_RARITY = 40;

  // With random choices, how rarely one is no more chosen for a while, as a rank without a core.
  private static final int STARVING_RARITY = 8;
  private static final int STARVING_POINTS = 40;

  private final List<Departure> departures;
  private final @Nullable Random random;
  private final boolean starving;
  private final List<Integer> widths = new ArrayList<>();
  private final List<String> trace = new ArrayList<>();
  private int next;
  private String starved = "";
  private int starvedUntil;

  private Schedule(List<Departure> departures, @Nullable Random random, boolean starving) {
    this.departures = departures;
    this.random = random;
    this.starving = starving;
  }

  /** Runs {@code run} with each schedule of at most {@code departuresMax}. Returns how many. */
  static int exhaust(int departuresMax, Consumer<Schedule> run) {
    return exhaust(List.of(), departuresMax, run);
  }

  private static int exhaust(List<Departure> departures, int more, Consumer<Schedule> run) {
    Schedule schedule = new Schedule(departures, null, false);
    schedule.explain(run);
    int runs = 1;
    int from = departures.isEmpty() ? 0 : departures.getLast().point + 1;
    for (int point = from; more > 0 && point < schedule.widths.size(); point++) {
      for (int choice = 1; choice < schedule.widths.get(point); choice++) {
        List<Departure> deeper = new ArrayList<>(departures);
        deeper.add(new Departure(point, choice));
        runs += exhaust(deeper, more - 1, run);
      }
    }
    return runs;
  }

  /**
   * Runs {@code run} with {@code count} schedules whose choices are all random.
   *
   * @param starving whether ranks and frames get stuck for a while
   */
  static void random(long seed, int count, boolean starving, Consumer<Schedule> run) {
    for (int i = 0; i < count; i++) {
      new Schedule(List.of(), new Random(seed + i), starving).explain(run);
    }
  }

  /** Has a failure say by which choices it came about. */
  private void explain(Consumer<Schedule> run) {
    try {
      run.accept(this);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(e + "\nafter:\n  " + String.join("\n  ", trace), e);
    }
  }

  /**
   * Which of the named possibilities comes next.
   *
   * @param usual how many of them, from the first on, are no events
   */
  int choose(List<String> names, int usual) {
    int point = widths.size();
    widths.add(names.size());
    int choice = 0;
    if (random != null) {
      boolean isEvent = usual < names.size() && random.nextInt(EVENT_RARITY) == 0;
      choice = isEvent ? random.nextInt(usual, names.size()) : unlessStarved(names, usual, random);
    } else if (next < departures.size() && departures.get(next).point == point) {
      choice = departures.get(next++).choice;
    }
    trace.add(names.get(choice));
    return choice;
  }

  private int unlessStarved(List<String> names, int usual, Random choices) {
    int choice = choices.nextInt(usual);
    if (starving && widths.size() > starvedUntil && choices.nextInt(STARVING_RARITY) == 0) {
      starved = names.get(choice);
      starvedUntil = widths.size() + STARVING_POINTS;
    }
    boolean starves = widths.size() < starvedUntil && names.get(choice).equals(starved);
    return starves ? (choice + 1) % usual : choice;
  }
}
