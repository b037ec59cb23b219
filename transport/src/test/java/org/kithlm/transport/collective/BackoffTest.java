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

  /** A wait of a length. */
  private List<String> waitFor(long lengthNs) {
    backoff.idle(0);
    backoff.idle(OVER_NS);
    backoff.ended(lengthNs);
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
  void shouldSleepAtOnceAfterLongWaitsUntilOneIsShort() {
    for (int i = 0; i < 16; i++) {
      assertEquals(List.of("giveWay", "await"), waitFor(2_000_000));
    }
    assertEquals(List.of("await", "await"), waitFor(2_000_000));
    assertEquals(List.of("await", "await"), waitFor(499_999));
    assertEquals(List.of("giveWay", "await"), waitFor(2_000_000));
  }

  @Test
  void shouldTellTheFirstWaitOfARoundFromThoseThatFollow() {
    for (int round = 0; round < 16; round++) {
      backoff.begin();
      waitFor(2_000_000);
      waitFor(10_000); // the next datagram came at once
    }
    backoff.begin();
    assertEquals(List.of("await", "await"), waitFor(2_000_000));
    assertEquals(List.of("giveWay", "await"), waitFor(10_000));
  }

  @Test
  void shouldNapBetweenTheDatagramsOfALongVector() {
    backoff.begin();
    for (int datagram = 0; datagram < 16; datagram++) {
      assertEquals(List.of("giveWay", "await"), waitFor(100_000));
    }
    assertEquals(List.of("nap", "nap"), waitFor(100_000));
    backoff.idle(200_000); // the nap was in vain
    assertEquals(List.of("await"), calls());
    backoff.end();
    assertEquals(List.of("giveWay", "await"), waitFor(100_000));
    backoff.begin();
    assertEquals(List.of("giveWay", "await"), waitFor(100_000));
  }

  @Test
  void shouldNotTakeForATrainWhatHadComeAlready() {
    backoff.begin();
    for (int datagram = 0; datagram < 100; datagram++) {
      backoff.ended(1_000); // without a wait
    }
    assertEquals(List.of("giveWay", "await"), waitFor(100_000));
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
