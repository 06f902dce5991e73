package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Fewer requests are admitted while work waits for a processor, and all again afterwards. */
class AdaptiveLimitTest {
  private static final Duration MAX_WAIT = Duration.ofMillis(20);
  private static final Duration LONG = Duration.ofMillis(25);
  private static final Duration SHORT = Duration.ofMillis(15);

  private final AdaptiveLimit limit = new AdaptiveLimit(MAX_WAIT);

  private long now = System.nanoTime();

  /** A tenth of a second with ten waits, of which the first is the least. */
  private void interval(Duration least) {
    waited(least);
    for (int i = 0; i < 9; i++) {
      waited(least.multipliedBy(3));
    }
  }

  private void waited(Duration wait) {
    now += Duration.ofMillis(10).toNanos() + 1;
    limit.waited(wait.toNanos(), now);
  }

  private void admit(int count) {
    for (int i = 0; i < count; i++) {
      assertTrue(limit.begin(false), "request " + i);
    }
  }

  @Test
  void withoutAQueueNothingIsRefused() {
    admit(5000);
    interval(SHORT);
    admit(5000);
  }

  @Test
  void aQueueThatDoesNotDrainLowersTheLimitBelowWhatIsInFlight() {
    admit(1000);
    interval(LONG);
    assertEquals(800, limit.limit());
    assertFalse(limit.begin(false));
    limit.end();
    interval(LONG);
    assertEquals(800, limit.limit(), "the thousand are still there");
    for (int i = 0; i < 200; i++) {
      limit.end();
    }
    interval(LONG);
    assertEquals(640, limit.limit());
  }

  @Test
  void oneShortWaitWithinAnIntervalIsNoQueue() {
    admit(1000);
    waited(SHORT);
    for (int i = 0; i < 9; i++) {
      waited(Duration.ofSeconds(1));
    }
    admit(1000);
  }

  @Test
  void oneWaitAloneIsNoQueueHoweverLong() {
    admit(1000);
    now += Duration.ofSeconds(1).toNanos();
    waited(Duration.ofSeconds(1));
    admit(1000);
    waited(Duration.ofSeconds(1));
    assertFalse(limit.begin(false), "two are one");
  }

  @Test
  void aLongerWaitLowersItByMoreAndByNoMoreThanHalf() {
    admit(1000);
    interval(MAX_WAIT.multipliedBy(3).dividedBy(2));
    assertEquals(666, limit.limit());
    for (int i = 0; i < 334; i++) {
      limit.end();
    }
    interval(Duration.ofSeconds(1));
    assertEquals(333, limit.limit());
  }

  @Test
  void whereFewAreInFlightItFallsToTwiceOfTheseAtOnce() {
    admit(4000);
    interval(LONG);
    assertEquals(3200, limit.limit());
    for (int i = 0; i < 3000; i++) {
      limit.end();
    }
    interval(SHORT);
    interval(LONG);
    assertEquals(1600, limit.limit());
  }

  @Test
  void aFewRequestsAreAlwaysAdmitted() {
    admit(AdaptiveLimit.FLOOR + 1);
    for (int i = 0; i < 50; i++) {
      interval(LONG);
    }
    limit.end();
    limit.end();
    assertTrue(limit.begin(false));
    assertFalse(limit.begin(false));
  }

  @Test
  void aQueueThatFewRequestsCannotHaveMadeIsNoReasonForALimit() {
    admit(AdaptiveLimit.FLOOR);
    interval(LONG);
    assertEquals(Integer.MAX_VALUE, limit.limit());
  }

  @Test
  void streamsAreRefusedBeforeShortRequests() {
    admit(1000);
    interval(LONG);
    for (int i = 0; i < 300; i++) {
      limit.end();
    }
    assertFalse(limit.begin(true), "700 of 800, streams have half");
    assertTrue(limit.begin(false));
  }

  @Test
  void withoutAQueueALimitThatIsReachedRises() {
    admit(1000);
    interval(LONG);
    interval(SHORT);
    assertEquals(1000, limit.limit());
  }

  @Test
  void aLimitThatIsNotReachedStaysUntilItIsLiftedAfterFiveSeconds() {
    admit(1000);
    interval(LONG);
    for (int i = 0; i < 1000; i++) {
      limit.end();
    }
    for (int i = 0; i < 49; i++) {
      interval(SHORT);
      assertEquals(800, limit.limit());
    }
    interval(SHORT);
    assertEquals(Integer.MAX_VALUE, limit.limit());
  }

  @Test
  void zeroSwitchesItOff() {
    admit(1000);
    interval(LONG);
    assertFalse(limit.begin(false));
    limit.use(Duration.ZERO);
    interval(LONG);
    admit(1000);
  }
}
