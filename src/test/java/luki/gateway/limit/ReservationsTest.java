package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.config.Plan;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import luki.gateway.http.Response;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Units that are reserved for calls in flight: when they are counted, freed and renewed. */
class ReservationsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration LIFETIME = Duration.ofMillis(900);
  private static final Units USED = new Units(1, 0, 0);
  private static final String CALLER = "00000000000000aa";
  private static final Plan ONE =
      new Plan("one", 0, 0, Map.of(Meter.REQUESTS, new Plan.Quota(1, -1)));
  private static final Limiter.Call CALL = new Limiter.Call(CALLER, ONE, 1, USED, false);

  private final RedisProcess server = RedisProcess.start("--appendfsync", "no");

  @AfterEach
  void stop() {
    server.close();
  }

  /** A limiter on the server; a reservation that is not renewed expires after that time. */
  private RedisLimiter limiter(Duration lifetime) {
    RedisExecutor executor =
        new RedisExecutor(List.of(URI.create(server.url())), PATIENCE, OnRedisLoss.DENY);
    executor.warmUp();
    return new RedisLimiter(
        executor, new MemoryLimiter(() -> 0, 1), OnRedisLoss.DENY, () -> "", lifetime);
  }

  @Test
  void reservationsOfADeadProcessExpireAndThoseOfALivingOneAreRenewed() {
    try (RedisLimiter other = limiter(LIFETIME)) {
      long reserved = System.nanoTime();
      try (RedisLimiter doomed = limiter(LIFETIME)) {
        assertInstanceOf(Limiter.Decision.Admitted.class, doomed.admit(CALL));
        // Renewed while its process lives, beyond the lifetime of a reservation.
        while (System.nanoTime() - reserved < TimeUnit.MILLISECONDS.toNanos(2000)) {
          assertInstanceOf(Limiter.Decision.QuotaExceeded.class, other.admit(CALL));
        }
      }
      // As when the process died: nothing was settled, and nothing is renewed any more.
      long died = System.nanoTime();
      Limiter.Decision decision =
          Waiting.until(
              PATIENCE,
              () -> other.admit(CALL),
              found -> found instanceof Limiter.Decision.Admitted);
      assertInstanceOf(Limiter.Decision.Admitted.class, decision);
      double seconds = (System.nanoTime() - died) / 1e9;
      assertEquals(true, seconds < 2, "free after " + seconds + " s");
    }
  }

  private static Limiter.Reservation admitted(RedisLimiter limiter) {
    return assertInstanceOf(Limiter.Decision.Admitted.class, limiter.admit(CALL)).reservation();
  }

  @Test
  void whatIsSettledTwiceCountsOnce() {
    try (RedisLimiter limiter = limiter(LIFETIME)) {
      Limiter.Reservation reservation = admitted(limiter);
      limiter.settle(reservation, USED);
      // As when the reply of the first script was lost.
      limiter.settleShared(reservation, USED);
      List<Limiter.Window> windows =
          Waiting.until(PATIENCE, () -> usage(limiter), found -> found.getFirst().used() > 0);
      assertEquals(1, windows.getFirst().used());
      assertInstanceOf(Limiter.Decision.QuotaExceeded.class, limiter.admit(CALL));
      assertEquals(1, usage(limiter).getFirst().used());
    }
  }

  private static List<Limiter.Window> usage(RedisLimiter limiter) {
    try {
      return limiter.usage(CALLER, ONE).windows();
    } catch (Limiter.Unavailable outage) {
      throw new AssertionError(outage);
    }
  }

  @Test
  void whatCouldNotBeCountedIsCountedOnceRedisIsBack() {
    try (RedisLimiter limiter = limiter(Duration.ofMinutes(5))) {
      Limiter.Reservation reservation = admitted(limiter);
      server.kill();
      limiter.settle(reservation, USED);
      server.restart();
      List<Limiter.Window> windows =
          Waiting.until(
              PATIENCE,
              () -> usageOrNone(limiter),
              found -> !found.isEmpty() && found.getFirst().used() == 1);
      assertEquals(1, windows.getFirst().used());
    }
  }

  private static List<Limiter.Window> usageOrNone(RedisLimiter limiter) {
    try {
      return limiter.usage(CALLER, ONE).windows();
    } catch (Limiter.Unavailable outage) {
      return List.of();
    }
  }

  @Test
  void whatIsSettledAfterItsReservationExpiredIsStillCounted() {
    try (RedisLimiter limiter = limiter(LIFETIME)) {
      // Not renewed, as when its process was stopped or Redis was unavailable.
      limiter.stopRenewals();
      Limiter.Reservation reservation = admitted(limiter);
      Waiting.until(
          PATIENCE,
          () -> {
            try (var jedis = server.client()) {
              return jedis.hlen("luki:{" + CALLER + "}:held") == 0;
            }
          });
      limiter.settle(reservation, USED);
      List<Limiter.Window> windows =
          Waiting.until(PATIENCE, () -> usage(limiter), found -> found.getFirst().used() > 0);
      assertEquals(1, windows.getFirst().used());
    }
  }

  @Test
  void aBucketIsRefilledToTheMicrosecond() {
    Rate rate = Rate.of(30, 1);
    long full = rate.after(0, 1_000, 1);
    Limiter.RateStatus status = rate.status(false, full, 1_000 + 999_500, 1);
    assertEquals(1_000_500, status.waitMicros());
    assertEquals(1_000_500, status.nextTokenMicros());
    assertEquals(
        "2",
        ErrorReply.render(
                Response.empty(429),
                ApiError.of(ErrorCode.RATE_LIMITED, Duration.ofNanos(status.waitMicros() * 1000)),
                "0".repeat(32),
                null)
            .headers()
            .only("Retry-After"));
  }

  @Test
  void aMillionCallersFitIntoMemoryAndIdleOnesAreRemoved() {
    AtomicLong now = new AtomicLong(1_700_000_000_000_000L);
    try (MemoryLimiter memory = new MemoryLimiter(now::get, 1)) {
      Plan plan = new Plan("usual", 60, 60, Map.of());
      long before = used();
      for (int i = 0; i < MemoryLimiter.MAX + 1000; i++) {
        Limiter.Call call =
            new Limiter.Call("%016x".formatted(i * 7919L), plan, 1, new Units(1, 0, 0), false);
        assertInstanceOf(Limiter.Decision.Admitted.class, memory.admit(call));
      }
      assertEquals(MemoryLimiter.MAX, memory.callers());
      long bytes = used() - before;
      assertEquals(true, bytes < 128L << 20, bytes / (1 << 20) + " MB");
      now.addAndGet(1_000_000);
      memory.sweep();
      assertEquals(0, memory.callers());
    }
  }

  private static long used() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  @Test
  void manyThreadsTakeNoMoreUnitsThanTheBucketHas() throws Exception {
    AtomicLong now = new AtomicLong(1_700_000_000_000_000L);
    TokenBuckets buckets = new TokenBuckets(1000);
    Rate rate = Rate.of(60, 500);
    AtomicLong admitted = new AtomicLong();
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (int t = 0; t < 4; t++) {
        threads.execute(
            () -> {
              for (int i = 0; i < 100_000; i++) {
                if (buckets.take(7, rate, now.get(), 1).admitted()) {
                  admitted.incrementAndGet();
                }
                if (i % 1000 == 0) {
                  // A bucket that is not full is never removed.
                  buckets.sweep(now.get());
                }
              }
            });
      }
    }
    assertEquals(500, admitted.get());
  }
}
