package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.config.Plan;
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

/** What is held back for calls under way, and what becomes of it. */
class ReservationsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final String CALLER = "00000000000000aa";
  private static final Plan ONE =
      new Plan("one", 0, 0, Map.of(Meter.REQUESTS, new Plan.Quota(1, -1)));
  private static final Limiter.Demand DEMAND =
      new Limiter.Demand(CALLER, ONE, 1, new Units(1, 0, 0), false);

  private final RedisProcess server = RedisProcess.start("--appendfsync", "no");
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

  @AfterEach
  void stop() {
    timer.shutdownNow();
    server.close();
  }

  private RedisLink link() {
    RedisLink link =
        new RedisLink(
            () -> Redis.client(List.of(URI.create(server.url())), PATIENCE), true, PATIENCE);
    link.warmUp();
    return link;
  }

  private static RedisLimiter limiter(RedisLink link, ScheduledExecutorService timer) {
    return new RedisLimiter(link, () -> "", Duration.ofMillis(900), timer);
  }

  @Test
  void whatADeadProcessHeldReturnsByItselfAndWhatALivingOneHoldsStays() throws Exception {
    ScheduledExecutorService dying = Executors.newSingleThreadScheduledExecutor();
    try (RedisLink first = link();
        RedisLink second = link()) {
      RedisLimiter doomed = limiter(first, dying);
      RedisLimiter other = limiter(second, timer);
      assertInstanceOf(Limiter.Verdict.Admitted.class, doomed.admit(DEMAND));
      long held = System.nanoTime();
      // Renewed for as long as its process lives, beyond the life of a hold.
      while (System.nanoTime() - held < TimeUnit.MILLISECONDS.toNanos(2000)) {
        assertInstanceOf(Limiter.Verdict.QuotaExceeded.class, other.admit(DEMAND));
      }
      dying.shutdownNow();
      long died = System.nanoTime();
      Limiter.Verdict verdict =
          Waiting.until(
              PATIENCE, () -> tried(other), found -> found instanceof Limiter.Verdict.Admitted);
      assertInstanceOf(Limiter.Verdict.Admitted.class, verdict);
      double seconds = (System.nanoTime() - died) / 1e9;
      assertEquals(true, seconds < 2, "returned after " + seconds + " s");
      doomed.close();
      other.close();
    }
  }

  private static Limiter.Verdict tried(RedisLimiter limiter) {
    try {
      return limiter.admit(DEMAND);
    } catch (Limiter.Unavailable away) {
      throw new AssertionError(away);
    }
  }

  @Test
  void whatIsSettledTwiceCountsOnce() throws Exception {
    try (RedisLink link = link()) {
      RedisLimiter limiter = limiter(link, timer);
      if (limiter.admit(DEMAND)
          instanceof Limiter.Verdict.Admitted(RateStatus _, Limiter.Reservation hold)) {
        limiter.settle(hold, new Units(1, 0, 0));
        limiter.settle(hold, new Units(1, 0, 0));
      }
      List<Limiter.Window> windows =
          Waiting.until(PATIENCE, () -> usage(limiter), found -> found.getFirst().used() > 0);
      assertEquals(1, windows.getFirst().used());
      assertInstanceOf(Limiter.Verdict.QuotaExceeded.class, limiter.admit(DEMAND));
      assertEquals(1, usage(limiter).getFirst().used());
      limiter.close();
    }
  }

  private static List<Limiter.Window> usage(RedisLimiter limiter) {
    try {
      return limiter.usage(CALLER, ONE).windows();
    } catch (Limiter.Unavailable away) {
      throw new AssertionError(away);
    }
  }

  @Test
  void whatCouldNotBeCountedIsCountedOnceRedisIsBack() throws Exception {
    try (RedisLink link = link()) {
      RedisLimiter limiter = new RedisLimiter(link, () -> "", Duration.ofMinutes(5), timer);
      Limiter.Verdict verdict = limiter.admit(DEMAND);
      server.kill();
      if (verdict instanceof Limiter.Verdict.Admitted(RateStatus _, Limiter.Reservation hold)) {
        limiter.settle(hold, new Units(1, 0, 0));
      }
      server.restart();
      List<Limiter.Window> windows =
          Waiting.until(
              PATIENCE,
              () -> link.isAway() ? List.of() : usageOrNone(limiter),
              found -> !found.isEmpty() && found.getFirst().used() == 1);
      assertEquals(1, windows.getFirst().used());
      limiter.close();
    }
  }

  private static List<Limiter.Window> usageOrNone(RedisLimiter limiter) {
    try {
      return limiter.usage(CALLER, ONE).windows();
    } catch (Limiter.Unavailable stillAway) {
      return List.of();
    }
  }

  @Test
  void whatIsSettledAfterItsHoldHasGoneIsCountedAllTheSame() throws Exception {
    ScheduledExecutorService still = Executors.newSingleThreadScheduledExecutor();
    try (RedisLink link = link()) {
      RedisLimiter limiter = limiter(link, still);
      // Nobody renews: as if its process had stood still, or Redis had been away.
      still.shutdownNow();
      Limiter.Verdict verdict = limiter.admit(DEMAND);
      Waiting.until(
          PATIENCE,
          () -> {
            try (var jedis = server.client()) {
              return jedis.hlen("luki:{" + CALLER + "}:held") == 0;
            }
          });
      if (verdict instanceof Limiter.Verdict.Admitted(RateStatus _, Limiter.Reservation hold)) {
        limiter.settle(hold, new Units(1, 0, 0));
      }
      List<Limiter.Window> windows =
          Waiting.until(PATIENCE, () -> usage(limiter), found -> found.getFirst().used() > 0);
      assertEquals(1, windows.getFirst().used());
      limiter.close();
    }
  }

  @Test
  void aBucketOfWhateverAgeIsRefilledToTheMicrosecond() {
    Rate rate = Rate.of(30, 1);
    long full = rate.after(0, 1_000, 1);
    RateStatus standing = rate.standing(false, full, 1_000 + 999_500, 1);
    assertEquals(1_000_500, standing.waitMicros());
    assertEquals(1_000_500, standing.nextTokenMicros());
    assertEquals(
        "2",
        ErrorReply.render(
                Response.empty(429),
                ApiError.of(ErrorCode.RATE_LIMITED, Duration.ofNanos(standing.waitMicros() * 1000)),
                "0".repeat(32))
            .headers()
            .only("Retry-After"));
  }

  @Test
  void aMillionCallersFitIntoMemoryAndTheIdleOnesLeave() {
    AtomicLong now = new AtomicLong(1_700_000_000_000_000L);
    try (MemoryLimiter memory = new MemoryLimiter(now::get, 1, timer)) {
      Plan plan = new Plan("usual", 60, 60, Map.of());
      long before = used();
      for (int i = 0; i < MemoryLimiter.MAX + 1000; i++) {
        Limiter.Demand demand =
            new Limiter.Demand("%016x".formatted(i * 7919L), plan, 1, new Units(1, 0, 0), false);
        assertInstanceOf(Limiter.Verdict.Admitted.class, memory.admit(demand));
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
  void manyThreadsTakeNoMoreThanThereIs() throws Exception {
    AtomicLong now = new AtomicLong(1_700_000_000_000_000L);
    Buckets buckets = new Buckets(1000);
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
                  // A bucket that is not full never leaves, however often is looked.
                  buckets.sweep(now.get());
                }
              }
            });
      }
    }
    assertEquals(500, admitted.get());
  }
}
