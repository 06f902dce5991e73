package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.Principal;
import luki.gateway.http.Principal.Users;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.StandInReply;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Waiting;
import luki.gateway.upstream.CircuitBreaker;
import luki.gateway.upstream.CircuitBreaker.CallResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A failing service is not called for a while, and called again after it has recovered. */
@Timeout(60)
class BreakerDefectsTest {
  private static final String ITEM = "/v1/elr/items/maria_k_0123456789ab";

  private static final Principal ONE = caller(-1);
  private static final Principal OTHER = caller(-2);

  private int calls;
  private final AtomicLong now = new AtomicLong(1_000_000_000_000L);
  private final CircuitBreaker breaker =
      new CircuitBreaker(
          new GatewayFile.Breaker(
              Duration.ofSeconds(10), 20, 3, Duration.ofSeconds(2), 3, Duration.ZERO, 60),
          EnumSet.of(CallResult.FAILURE, CallResult.NO_CONNECTION, CallResult.SLOW),
          now::get);

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  private static Principal caller(int number) {
    String id = "key" + number;
    return new Principal.Key(id, id, "o", Set.of(), Users.only(Set.of()), null);
  }

  /** Calls of many callers. */
  private void calls(int count, CallResult verdict) {
    for (int i = 0; i < count; i++) {
      calls(caller(calls++), 1, verdict);
    }
  }

  private void calls(Principal caller, int count, CallResult verdict) {
    for (int i = 0; i < count; i++) {
      CircuitBreaker.Permit permit = breaker.tryAcquire(caller);
      assertNotNull(permit);
      permit.end(caller, verdict);
    }
  }

  @Test
  void R10_fewerThanTwentyCallsNeverOpenIt() {
    calls(19, CallResult.FAILURE);
    assertFalse(breaker.isTripped());
    calls(1, CallResult.FAILURE);
    assertTrue(breaker.isTripped());
    assertNull(breaker.tryAcquire(OTHER));
  }

  @Test
  void aSuccessfulCallNeverOpensIt() {
    calls(19, CallResult.FAILURE);
    calls(1, CallResult.SUCCESS);
    assertFalse(breaker.isTripped());
    calls(1, CallResult.FAILURE);
    assertTrue(breaker.isTripped());
  }

  @Test
  void R10_halfOfTheCallsFailedDoesNotOpenIt() {
    calls(15, CallResult.SUCCESS);
    calls(15, CallResult.FAILURE);
    assertFalse(breaker.isTripped());
    calls(1, CallResult.FAILURE);
    assertTrue(breaker.isTripped());
  }

  @Test
  void R10_callsBeforeTheWindowDoNotCount() {
    calls(19, CallResult.FAILURE);
    pass(Duration.ofSeconds(11));
    calls(19, CallResult.FAILURE);
    assertFalse(breaker.isTripped());
  }

  @Test
  void R10_allCallsWithinTheWindowCount() {
    for (int i = 0; i < 4; i++) {
      calls(5, CallResult.FAILURE);
      pass(Duration.ofSeconds(2));
    }
    assertTrue(breaker.isTripped());
  }

  @Test
  void R10_cancelledCallsDoNotCount() {
    calls(100, CallResult.IGNORED);
    calls(19, CallResult.FAILURE);
    assertFalse(breaker.isTripped());
  }

  @Test
  void slowCallsOfSeveralCallersOpenItBeyondTheirShare() {
    calls(8, CallResult.SUCCESS);
    calls(12, CallResult.SLOW);
    assertFalse(breaker.isTripped(), "60 percent");
    calls(1, CallResult.SLOW);
    assertTrue(breaker.isTripped());
  }

  @Test
  void slowCallsOfOneCallerOpenItForNobody() {
    calls(ONE, 100, CallResult.SLOW);
    calls(OTHER, 100, CallResult.SLOW);
    assertFalse(breaker.isTripped());
    calls(1, CallResult.SLOW);
    assertTrue(breaker.isTripped());
  }

  @Test
  void slowCallsDoNotMakeFailuresOfOneCallerThoseOfSeveral() {
    calls(ONE, 30, CallResult.FAILURE);
    calls(10, CallResult.SLOW);
    assertFalse(breaker.isTripped());
  }

  @Test
  void aSlowProbeOpensItAgain() {
    open();
    pass(Duration.ofSeconds(2));
    calls(OTHER, 1, CallResult.SLOW);
    assertTrue(breaker.isOpen());
  }

  private void open() {
    calls(20, CallResult.FAILURE);
    assertTrue(breaker.isTripped());
  }

  @Test
  void R10_afterTwoSecondsOneProbeAtATimeIsSent() {
    open();
    pass(Duration.ofMillis(1999));
    assertNull(breaker.tryAcquire(OTHER));
    pass(Duration.ofMillis(1));
    CircuitBreaker.Permit probe = breaker.tryAcquire(OTHER);
    assertNotNull(probe);
    assertNull(breaker.tryAcquire(OTHER));
    probe.end(OTHER, CallResult.SUCCESS);
    assertTrue(breaker.isTripped());
    assertNotNull(breaker.tryAcquire(OTHER));
    assertNull(breaker.tryAcquire(OTHER));
  }

  @Test
  void R10_threeGoodProbesCloseIt() {
    open();
    pass(Duration.ofSeconds(2));
    calls(2, CallResult.SUCCESS);
    assertTrue(breaker.isTripped());
    calls(1, CallResult.SUCCESS);
    assertFalse(breaker.isTripped());
    calls(19, CallResult.FAILURE);
    assertFalse(breaker.isTripped(), "what was before it opened is forgotten");
  }

  @Test
  void R10_aFailedProbeOpensItAgainForTheSameTime() {
    open();
    pass(Duration.ofSeconds(2));
    calls(2, CallResult.SUCCESS);
    calls(1, CallResult.FAILURE);
    assertNull(breaker.tryAcquire(OTHER));
    pass(Duration.ofMillis(1999));
    assertNull(breaker.tryAcquire(OTHER));
    pass(Duration.ofMillis(1));
    calls(3, CallResult.SUCCESS);
    assertFalse(breaker.isTripped());
  }

  @Test
  void R10_aCancelledProbePermitsAnother() {
    open();
    pass(Duration.ofSeconds(2));
    calls(5, CallResult.IGNORED);
    assertTrue(breaker.isTripped());
    calls(3, CallResult.SUCCESS);
    assertFalse(breaker.isTripped());
  }

  @Test
  void R10_aResultFromBeforeTheOpeningDoesNotCount() {
    CircuitBreaker.Permit late = breaker.tryAcquire(OTHER);
    CircuitBreaker.Permit later = breaker.tryAcquire(OTHER);
    assertNotNull(late);
    assertNotNull(later);
    open();
    pass(Duration.ofSeconds(2));
    CircuitBreaker.Permit probe = breaker.tryAcquire(OTHER);
    assertNotNull(probe);
    late.end(OTHER, CallResult.SUCCESS);
    later.end(OTHER, CallResult.FAILURE);
    assertNull(breaker.tryAcquire(OTHER), "the probe is still out");
    probe.end(OTHER, CallResult.SUCCESS);
    assertNotNull(breaker.tryAcquire(OTHER));
  }

  @ParameterizedTest
  @ValueSource(longs = {-5_000_000_000L, 0, Long.MAX_VALUE - 1_000_000_000L, Long.MIN_VALUE})
  void R10_theClockMayStartAtAnyValue(long origin) {
    now.set(origin);
    calls(20, CallResult.FAILURE);
    assertTrue(breaker.isTripped());
    pass(Duration.ofSeconds(2));
    calls(3, CallResult.SUCCESS);
    assertFalse(breaker.isTripped());
    for (int i = 0; i < 20; i++) {
      pass(Duration.ofMillis(100));
      calls(1, CallResult.FAILURE);
    }
    assertTrue(breaker.isTripped());
  }

  @Test
  void R10_aWaitIsAtLeastASecond() {
    open();
    assertTrue(breaker.retryAfter().compareTo(Duration.ofSeconds(1)) >= 0);
    assertTrue(breaker.retryAfter().compareTo(Duration.ofSeconds(2)) <= 0);
    pass(Duration.ofMillis(1999));
    assertTrue(breaker.retryAfter().compareTo(Duration.ofSeconds(1)) >= 0);
  }

  @Test
  void failuresOfTwoCallersDoNotOpenItAndThoseOfAThirdDo() {
    calls(ONE, 100, CallResult.FAILURE);
    calls(OTHER, 100, CallResult.FAILURE);
    assertFalse(breaker.isTripped());
    calls(caller(0), 1, CallResult.FAILURE);
    assertTrue(breaker.isTripped());
  }

  @Test
  void callersWhoseFailuresAreBeforeTheWindowDoNotCount() {
    calls(ONE, 1, CallResult.FAILURE);
    calls(OTHER, 1, CallResult.FAILURE);
    pass(Duration.ofSeconds(11));
    calls(caller(0), 30, CallResult.FAILURE);
    calls(OTHER, 1, CallResult.FAILURE);
    assertFalse(breaker.isTripped());
    calls(ONE, 1, CallResult.FAILURE);
    assertTrue(breaker.isTripped());
  }

  @Test
  void withoutAConnectionTheCallsOfOneCallerOpenIt() {
    calls(ONE, 15, CallResult.FAILURE);
    calls(ONE, 15, CallResult.NO_CONNECTION);
    assertFalse(breaker.isTripped(), "half of the calls");
    calls(ONE, 1, CallResult.NO_CONNECTION);
    assertTrue(breaker.isTripped());
  }

  @Test
  void aCallerWhoseProbeFailedLeavesTheNextOnesToOthers() {
    open();
    pass(Duration.ofSeconds(2));
    calls(ONE, 1, CallResult.FAILURE);
    pass(Duration.ofSeconds(2));
    assertNull(breaker.tryAcquire(ONE));
    calls(OTHER, 2, CallResult.SUCCESS);
    assertNull(breaker.tryAcquire(ONE));
    calls(OTHER, 1, CallResult.SUCCESS);
    assertFalse(breaker.isTripped());
    assertNotNull(breaker.tryAcquire(ONE));
  }

  @Test
  void aCallerWhoseProbeFailedProbesAgainWhereThereIsNoOther() {
    open();
    pass(Duration.ofSeconds(2));
    calls(ONE, 1, CallResult.FAILURE);
    pass(Duration.ofMillis(3999));
    assertNull(breaker.tryAcquire(ONE));
    pass(Duration.ofMillis(1));
    calls(ONE, 3, CallResult.SUCCESS);
    assertFalse(breaker.isTripped());
  }

  @Test
  void aProbeWithoutAConnectionIsNobodysFault() {
    open();
    pass(Duration.ofSeconds(2));
    calls(ONE, 1, CallResult.NO_CONNECTION);
    pass(Duration.ofSeconds(2));
    calls(ONE, 3, CallResult.SUCCESS);
    assertFalse(breaker.isTripped());
  }

  @Test
  void R10_aFailingServiceIsNotCalledUntilItHasRecovered() {
    try (Fixture setting = Fixture.start(g -> g.yaml("open: 2s", "open: 400ms"))) {
      Client maria = setting.maria();
      StandInReply broken = StandInReply.json(500, "{}");
      setting.services().override("memory", "DELETE", "/delete", broken);
      Client[] callers = {maria, setting.maria(), setting.maria()};
      for (int i = 0; i < 20; i++) {
        callers[i % 3].delete(ITEM).expect(502, "DOWNSTREAM_ERROR");
      }
      HttpReply shed = maria.delete(ITEM).expect(503, "DOWNSTREAM_CIRCUIT_OPEN");
      assertTrue(shed.header("Retry-After").orElse("").matches("[1-9]\\d*"));
      assertEquals(20, setting.calls("memory").size());
      maria.get(Fixture.METRICS).expect(200);
      setting.services().clearOverrides();
      Waiting.until(Duration.ofSeconds(10), () -> maria.delete(ITEM).status() == 204);
      List<Integer> after =
          List.of(
              maria.delete(ITEM).status(),
              maria.delete(ITEM).status(),
              maria.delete(ITEM).status());
      assertEquals(List.of(204, 204, 204), after);
    }
  }

  @Test
  void R10_anOpenCircuitAnswersAtOnce() {
    try (Fixture setting = Fixture.start(g -> g.yaml("open: 2s", "open: 60s"))) {
      Client maria = setting.maria();
      StandInReply slow = StandInReply.json(500, "{}").after(Duration.ofMillis(40));
      setting.services().override("memory", "DELETE", "/delete", slow);
      Client[] callers = {maria, setting.maria(), setting.maria()};
      for (int i = 0; i < 20; i++) {
        callers[i % 3].delete(ITEM).expect(502);
      }
      long best = Long.MAX_VALUE;
      for (int i = 0; i < 10; i++) {
        long began = System.nanoTime();
        assertEquals("DOWNSTREAM_CIRCUIT_OPEN", maria.delete(ITEM).code());
        best = Math.min(best, System.nanoTime() - began);
      }
      assertTrue(best < Duration.ofMillis(40).toNanos(), best + " ns");
    }
  }
}
