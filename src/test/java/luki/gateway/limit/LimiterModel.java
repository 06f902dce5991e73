package luki.gateway.limit;

import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;

/**
 * What the limiters should do, in another and simpler way: a bucket that is refilled in fractions,
 * and maps of what was used.
 */
final class LimiterModel {
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
        reserved.getOrDefault(caller, Map.of()).values().stream().mapToLong(u -> u.of(meter)).sum();
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
