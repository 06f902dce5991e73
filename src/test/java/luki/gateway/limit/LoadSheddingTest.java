package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A share of the requests is refused while work waits for a processor, and none afterwards. */
class LoadSheddingTest {
  private static final Duration MAX_WAIT = Duration.ofMillis(10);
  private static final Duration LONG = Duration.ofMillis(30);
  private static final Duration SHORT = Duration.ofMillis(1);
  private static final int MANY = 1000;
  private static final int DRAWS = 20_000;

  private final LoadShedding shedding = new LoadShedding(MAX_WAIT);

  private long now = System.nanoTime();

  /** A twentieth of a second with five waits of that mean. */
  private void interval(Duration mean) {
    for (int i = 1; i <= 5; i++) {
      now += Duration.ofMillis(10).toNanos() + 1;
      shedding.waited(mean.toNanos() * i / 3, now);
    }
  }

  private void intervals(int count, Duration mean) {
    for (int i = 0; i < count; i++) {
      interval(mean);
    }
  }

  private void inFlight(int count) {
    for (int i = 0; i < count; i++) {
      boolean _ = shedding.begin(false);
    }
  }

  /** The share of requests that is refused, by asking. */
  private double refused(boolean stream) {
    int count = 0;
    for (int i = 0; i < DRAWS; i++) {
      count += shedding.begin(stream) ? 0 : 1;
      shedding.end();
    }
    return count / (double) DRAWS;
  }

  @Test
  void nothingIsRefusedWithoutAQueue() {
    inFlight(MANY);
    intervals(100, Duration.ofMillis(9));
    assertEquals(0, shedding.share());
    assertEquals(0, refused(false));
    assertEquals(0, refused(true));
  }

  @Test
  void aQueueThatStaysHasMoreAndMoreRefused() {
    inFlight(MANY);
    double before = 0;
    for (int i = 0; i < 40; i++) {
      interval(LONG);
      assertTrue(shedding.share() > before, "interval " + i);
      before = shedding.share();
    }
    assertEquals(shedding.share(), refused(false), 0.02);
  }

  @Test
  void someAreAdmittedHoweverLongTheQueue() {
    inFlight(MANY);
    intervals(200, Duration.ofSeconds(1));
    assertEquals(0.95, shedding.share(), 1e-9);
    assertEquals(0.95, refused(false), 0.02);
  }

  @Test
  void aQueueThatGrowsHasMoreRefusedThanOneThatStays() {
    inFlight(MANY);
    intervals(20, LONG);
    double before = shedding.share();
    interval(LONG);
    double stayed = shedding.share() - before;
    interval(LONG.multipliedBy(2));
    assertTrue(shedding.share() - before - stayed > 2 * stayed);
  }

  @Test
  void onePauseOfTheProcessIsNoOverload() {
    inFlight(MANY);
    interval(Duration.ofMillis(60));
    assertTrue(shedding.share() < 0.02, "refused: " + shedding.share());
    intervals(2, SHORT);
    assertEquals(0, shedding.share());
  }

  @Test
  void afterTheQueueNothingIsRefusedAnyMore() {
    inFlight(MANY);
    intervals(200, Duration.ofSeconds(1));
    intervals(200, SHORT);
    assertEquals(0, shedding.share(), "ten seconds later");
  }

  @Test
  void aFewRequestsAreAlwaysAdmitted() {
    inFlight(LoadShedding.FLOOR + 1);
    intervals(200, Duration.ofSeconds(1));
    for (int i = 0; i <= LoadShedding.FLOOR; i++) {
      shedding.end();
    }
    for (int i = 0; i < LoadShedding.FLOOR; i++) {
      assertTrue(shedding.begin(false), "request " + i);
    }
  }

  @Test
  void aQueueThatFewRequestsCannotHaveMadeIsNoReasonToRefuseSome() {
    inFlight(LoadShedding.FLOOR);
    intervals(50, LONG);
    assertEquals(0, shedding.share());
  }

  @Test
  void streamsAreRefusedBeforeShortRequests() {
    inFlight(MANY);
    while (shedding.share() < 0.1) {
      interval(LONG);
    }
    assertEquals(Math.min(1, 4 * shedding.share()), refused(true), 0.02);
    assertEquals(shedding.share(), refused(false), 0.02);
  }

  @Test
  void withoutALongestWaitNothingIsRefused() {
    inFlight(MANY);
    intervals(20, LONG);
    shedding.use(Duration.ZERO);
    interval(Duration.ofSeconds(1));
    assertEquals(0, shedding.share());
  }
}
