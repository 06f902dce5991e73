package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.config.Plan;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import luki.gateway.testing.RedisProcess;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random calls at given times: memory, Redis and a simple model admit the same ones. */
class LimitersAgreeTest {
  private static final int STEPS = 2_500;
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration LONG = Duration.ofDays(30);
  private static final List<Plan> PLANS =
      List.of(
          new Plan("slow", 7, 3, Map.of()),
          new Plan("usual", 60, 60, Map.of()),
          new Plan("off", 0, 0, Map.of()),
          new Plan("day", 600, 20, Map.of(Meter.REQUESTS, new Plan.Quota(25, -1))),
          new Plan(
              "chat",
              0,
              0,
              Map.of(
                  Meter.CHAT_MESSAGES,
                  new Plan.Quota(10, 40),
                  Meter.STREAMED_CHARACTERS,
                  new Plan.Quota(2500, -1))));

  private final AtomicLong now = new AtomicLong();
  private final RedisProcess server = RedisProcess.start("--appendfsync", "no");
  private final RedisExecutor executor =
      new RedisExecutor(List.of(URI.create(server.url())), PATIENCE, OnRedisLoss.DENY);
  private final MemoryLimiter memory = new MemoryLimiter(now::get, 1);
  private final RedisLimiter redis =
      new RedisLimiter(
          executor,
          new MemoryLimiter(now::get, 1),
          OnRedisLoss.DENY,
          () -> Long.toString(now.get()),
          LONG);
  private final LimiterModel model = new LimiterModel();
  private final List<Open> open = new ArrayList<>();

  /** A call in flight, with its reservation in each limiter. */
  private record Open(
      int id, String caller, Limiter.Reservation memory, Limiter.Reservation redis) {}

  @BeforeEach
  void connect() {
    executor.warmUp();
  }

  @AfterEach
  void stop() {
    redis.close();
    server.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void memoryAndRedisAdmitWhatTheModelAdmits(long seed) throws Exception {
    Random random = new Random(seed);
    // So that days, a leap day and a month end within the run.
    now.set(1_709_150_400_000_000L + random.nextLong(86_400_000_000L));
    int refused = 0;
    for (int step = 0; step < STEPS; step++) {
      now.addAndGet(pause(random));
      if (random.nextInt(3) == 0 && !open.isEmpty()) {
        settle(open.remove(random.nextInt(open.size())), random);
      } else {
        refused += admit(step, random) ? 0 : 1;
      }
      if (step % 97 == 0) {
        compareUsage(random);
      }
    }
    assertEquals(true, refused > 100 && refused < STEPS / 2, "refused " + refused);
  }

  private static long pause(Random random) {
    return switch (random.nextInt(40)) {
      case 0 -> random.nextLong(7_200_000_000L);
      case 1, 2, 3 -> random.nextLong(20_000_000L);
      default -> random.nextLong(1_500_000L);
    };
  }

  private static String callerOf(Plan plan, Random random) {
    return "%08x%08x".formatted(PLANS.indexOf(plan) + 1, random.nextInt(2));
  }

  private boolean admit(int step, Random random) throws Exception {
    Plan plan = PLANS.get(random.nextInt(PLANS.size()));
    String caller = callerOf(plan, random);
    int cost = random.nextInt(8) == 0 ? 1 + random.nextInt(5) : 1;
    Units units = new Units(1, random.nextInt(2), 0);
    boolean streams = random.nextInt(3) == 0;
    Limiter.Call call = new Limiter.Call(caller, plan, cost, units, streams);
    String expected = model.admit(caller, plan, cost, call.wanted(), step, now.get());
    Limiter.Decision inMemory = memory.admit(call);
    Limiter.Decision inRedis = redis.admit(call);
    assertEquals(expected, nameOf(inMemory), "memory, step " + step);
    assertEquals(expected, nameOf(inRedis), "Redis, step " + step);
    assertEquals(inMemory.rate(), inRedis.rate(), "rate at step " + step);
    if (inMemory instanceof Limiter.Decision.Admitted(Limiter.RateStatus _, Limiter.Reservation one)
        && inRedis
            instanceof Limiter.Decision.Admitted(Limiter.RateStatus _, Limiter.Reservation other)) {
      assertEquals(one.units(), other.units());
      if (!one.isNone()) {
        open.add(new Open(step, caller, one, other));
      }
      return true;
    }
    if (inMemory instanceof Limiter.Decision.QuotaExceeded one
        && inRedis instanceof Limiter.Decision.QuotaExceeded other) {
      assertEquals(one.untilReset(), other.untilReset());
    }
    return false;
  }

  private static String nameOf(Limiter.Decision decision) {
    return switch (decision) {
      case Limiter.Decision.Admitted _ -> "ok";
      case Limiter.Decision.RateLimited _ -> "rate limited";
      case Limiter.Decision.QuotaExceeded _ -> "quota exceeded";
      case Limiter.Decision.Unavailable _ -> "unavailable";
    };
  }

  private void settle(Open call, Random random) {
    Units reserved = call.memory.units();
    Units used =
        random.nextInt(4) == 0
            ? Units.NONE
            : reserved.withCharacters(random.nextLong(1 + reserved.streamedCharacters()));
    model.settle(call.caller, call.id, used, now.get());
    memory.settle(call.memory, used);
    redis.settle(call.redis, used);
  }

  private void compareUsage(Random random) throws Exception {
    Plan plan = PLANS.get(3 + random.nextInt(2));
    String caller = callerOf(plan, random);
    Limiter.Usage inRedis = redis.usage(caller, plan);
    assertEquals(memory.usage(caller, plan), inRedis);
    for (Limiter.Window window : inRedis.windows()) {
      if (!window.month()) {
        assertEquals(model.usedToday(caller, now.get()).get(window.meter()), window.used());
      }
    }
  }

  /**
   * What the limiters should do, in another and simpler way: a bucket that is refilled in
   * fractions, and maps of what was used.
   */
  static final class LimiterModel {
    private final Map<String, Bucket> buckets = new HashMap<>();
    private final Map<String, Map<String, Long>> used = new HashMap<>();
    private final Map<String, Map<Integer, Units>> reserved = new HashMap<>();

    private static final class Bucket {
      private long refilledAt;
      private long fraction;
    }

    /** The decision: {@code ok}, {@code rate limited} or {@code quota exceeded}. */
    String admit(String caller, Plan plan, int cost, Units wanted, int id, long micros) {
      if (plan.perMinute() > 0) {
        // In microseconds: a unit is the time in which it is refilled.
        long unit = (60_000_000L + plan.perMinute() - 1) / plan.perMinute();
        long full = unit * plan.burst();
        Bucket bucket =
            buckets.computeIfAbsent(
                caller,
                _ -> {
                  Bucket fresh = new Bucket();
                  fresh.fraction = full;
                  fresh.refilledAt = micros;
                  return fresh;
                });
        bucket.fraction = Math.min(full, bucket.fraction + micros - bucket.refilledAt);
        bucket.refilledAt = micros;
        long price = Math.min(cost, plan.burst()) * unit;
        if (bucket.fraction < price) {
          return "rate limited";
        }
        bucket.fraction -= price;
      }
      if (plan.quotas().isEmpty()) {
        return "ok";
      }
      for (Meter meter : Meter.values()) {
        long least =
            meter == Meter.STREAMED_CHARACTERS ? Math.min(1, wanted.of(meter)) : wanted.of(meter);
        if (left(caller, plan, meter, micros) < least) {
          return "quota exceeded";
        }
      }
      long characters =
          Math.min(
              wanted.streamedCharacters(), left(caller, plan, Meter.STREAMED_CHARACTERS, micros));
      reserved
          .computeIfAbsent(caller, _ -> new HashMap<>())
          .put(id, wanted.withCharacters(characters));
      return "ok";
    }

    private long left(String caller, Plan plan, Meter meter, long micros) {
      Plan.Quota quota = plan.quotas().get(meter);
      if (quota == null) {
        return Long.MAX_VALUE;
      }
      long inFlight =
          reserved.getOrDefault(caller, Map.of()).values().stream()
              .mapToLong(u -> u.of(meter))
              .sum();
      Map<Boolean, Long> bounds = Map.of(false, quota.day(), true, quota.month());
      long least = Long.MAX_VALUE;
      for (Map.Entry<Boolean, Long> bound : bounds.entrySet()) {
        if (bound.getValue() >= 0) {
          long count =
              used.getOrDefault(caller, Map.of())
                  .getOrDefault(window(meter, bound.getKey(), micros), 0L);
          least = Math.min(least, Math.max(0, bound.getValue() - count - inFlight));
        }
      }
      return least;
    }

    private static String window(Meter meter, boolean month, long micros) {
      var day = Instant.ofEpochSecond(micros / 1_000_000).atOffset(ZoneOffset.UTC).toLocalDate();
      return meter + (month ? YearMonth.from(day).toString() : day.toString());
    }

    void settle(String caller, int id, Units actual, long micros) {
      Map<Integer, Units> open = reserved.get(caller);
      if (open == null || open.remove(id) == null) {
        return;
      }
      Map<String, Long> counts = used.computeIfAbsent(caller, _ -> new HashMap<>());
      for (Meter meter : Meter.values()) {
        counts.merge(window(meter, false, micros), actual.of(meter), Long::sum);
        counts.merge(window(meter, true, micros), actual.of(meter), Long::sum);
      }
    }

    /** Use of each meter in the current day. */
    Map<Meter, Long> usedToday(String caller, long micros) {
      Map<Meter, Long> today = new EnumMap<>(Meter.class);
      for (Meter meter : Meter.values()) {
        today.put(
            meter,
            used.getOrDefault(caller, Map.of()).getOrDefault(window(meter, false, micros), 0L));
      }
      return today;
    }
  }
}
