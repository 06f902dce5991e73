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

  private void interval(Duration least) {
    limit.waited(least.toNanos());
    for (int i = 0; i < 9; i++) {
      limit.waited(least.multipliedBy(3).toNanos());
    }
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
    interval(LONG);
    assertEquals(640, limit.limit());
  }

  @Test
  void oneShortWaitWithinAnIntervalIsNoQueue() {
    admit(1000);
    limit.waited(SHORT.toNanos());
    for (int i = 0; i < 9; i++) {
      limit.waited(Duration.ofSeconds(1).toNanos());
    }
    admit(1000);
  }

  @Test
  void aFewRequestsAreAlwaysAdmitted() {
    admit(AdaptiveLimit.FLOOR - 1);
    for (int i = 0; i < 50; i++) {
      interval(LONG);
    }
    assertTrue(limit.begin(false));
    assertFalse(limit.begin(false));
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
  void withoutAQueueTheLimitRisesUntilThereIsNone() {
    admit(1000);
    interval(LONG);
    for (int i = 0; i < 1000; i++) {
      limit.end();
    }
    int before = limit.limit();
    interval(SHORT);
    assertEquals(before + before / 8, limit.limit());
    for (int i = 0; i < 30; i++) {
      interval(SHORT);
    }
    assertEquals(Integer.MAX_VALUE, limit.limit());
  }

  @Test
  void zeroSwitchesItOff() {
    limit.use(Duration.ZERO);
    admit(1000);
    interval(LONG);
    admit(1000);
  }
}
