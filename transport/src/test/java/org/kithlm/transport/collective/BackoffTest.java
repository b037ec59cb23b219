package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.kithlm.transport.media.Media;

class BackoffTest {
  private static final long YIELDING_NS = 49_999;
  private static final long OVER_NS = 50_000;

  private final List<String> calls = new ArrayList<>();
  private final Backoff backoff =
      new Backoff(
          (Media)
              Proxy.newProxyInstance(
                  Media.class.getClassLoader(),
                  new Class<?>[] {Media.class},
                  (proxy, method, arguments) -> {
                    calls.add(method.getName());
                    return null;
                  }));

  private List<String> calls() {
    List<String> last = List.copyOf(calls);
    calls.clear();
    return last;
  }

  /** A wait that outlasts yielding. */
  private List<String> longWait() {
    backoff.idle(0);
    backoff.idle(OVER_NS);
    return calls();
  }

  @Test
  void shouldYieldForAsLongAsAWakeUpTakesAndThenSleep() {
    backoff.idle(0);
    backoff.idle(YIELDING_NS);
    backoff.idle(OVER_NS);
    assertEquals(List.of("giveWay", "giveWay", "await"), calls());
  }

  @Test
  void shouldSeldomYieldWhereThatIsInVain() {
    int yielded = 0;
    for (int wait = 0; wait < 16 + 10 * 64; wait++) {
      yielded += longWait().contains("giveWay") ? 1 : 0;
    }
    assertEquals(16 + 10, yielded);
  }

  @Test
  void shouldYieldAgainOnceThatPays() {
    for (int wait = 0; wait < 64; wait++) {
      longWait();
    }
    backoff.idle(0); // a trial
    backoff.worked();
    assertEquals(List.of("giveWay"), calls());
    assertEquals(List.of("giveWay", "await"), longWait());
  }

  @Test
  void shouldNotTakeWorkAfterASleepForAReasonToYield() {
    for (int wait = 0; wait < 32; wait++) {
      longWait();
      backoff.worked();
    }
    assertEquals(List.of("await", "await"), longWait());
  }

  @Test
  void shouldSleepForASmallPartOfTheWait() {
    assertEquals(1, Backoff.sleepMs(50_000));
    assertEquals(10, Backoff.sleepMs(TimeUnit.MILLISECONDS.toNanos(160)));
  }

  @Test
  void shouldLookAtItsTimersAlsoAfterHours() {
    assertEquals(50, Backoff.sleepMs(TimeUnit.HOURS.toNanos(5)));
  }
}
