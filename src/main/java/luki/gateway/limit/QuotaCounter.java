package luki.gateway.limit;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongBiFunction;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import luki.gateway.limit.Limiter.Decision;
import luki.gateway.limit.Limiter.RateStatus;

/** What one caller has used and reserved, in this process. */
final class QuotaCounter {
  private static final Meter[] METERS = Meter.values();

  private final long[] used = new long[2 * METERS.length];
  private final long[] window = new long[2 * METERS.length];
  private final Map<String, Units> reserved = new HashMap<>(2);

  /** The index of a count: a day and a month of each meter. */
  static int index(Meter meter, boolean month) {
    int pair =
        switch (meter) {
          case REQUESTS -> 0;
          case CHAT_MESSAGES -> 2;
          case STREAMED_CHARACTERS -> 4;
        };
    return pair + (month ? 1 : 0);
  }

  private long used(Meter meter, Windows now, boolean month) {
    int i = index(meter, month);
    return window[i] == now.id(month) ? used[i] : 0;
  }

  /** Units that are left; {@link Long#MAX_VALUE} where the plan has no bound. */
  private long left(Plan plan, Meter meter, Windows now, boolean month) {
    long bound = plan.bound(meter, month);
    if (bound == Plan.Quota.UNBOUNDED) {
      return Long.MAX_VALUE;
    }
    long inFlight = reserved.values().stream().mapToLong(units -> units.of(meter)).sum();
    return Math.max(0, bound - used(meter, now, month) - inFlight);
  }

  private long left(Plan plan, Meter meter, Windows now) {
    return Math.min(left(plan, meter, now, false), left(plan, meter, now, true));
  }

  /**
   * Reserves what a call will use; of characters as many as are left.
   *
   * @param rate of the caller, for the decision
   */
  synchronized Decision reserve(
      Limiter.Call call, String id, Plan plan, RateStatus rate, long micros) {
    Windows now = Windows.at(micros);
    Units wanted = call.wanted();
    for (Meter meter : METERS) {
      long least =
          meter == Meter.STREAMED_CHARACTERS ? Math.min(wanted.of(meter), 1) : wanted.of(meter);
      if (left(plan, meter, now) < least) {
        boolean month = left(plan, meter, now, true) < least;
        return new Decision.QuotaExceeded(rate, now.untilEnd(micros, month));
      }
    }
    long characters =
        Math.min(wanted.streamedCharacters(), left(plan, Meter.STREAMED_CHARACTERS, now));
    Units units = wanted.withCharacters(characters);
    reserved.put(id, units);
    return new Decision.Admitted(rate, new Limiter.Reservation(call.caller(), plan, id, units));
  }

  synchronized long extend(String id, Plan plan, long characters, Windows now) {
    long more = Math.min(characters, left(plan, Meter.STREAMED_CHARACTERS, now));
    reserved.computeIfPresent(
        id, (_, units) -> units.withCharacters(units.streamedCharacters() + more));
    return more;
  }

  /** Counts what was used and frees the reservation. */
  synchronized void settle(String id, Units actual, Windows now) {
    reserved.remove(id);
    for (Meter meter : METERS) {
      for (boolean month : new boolean[] {false, true}) {
        int i = index(meter, month);
        used[i] = used(meter, now, month) + actual.of(meter);
        window[i] = now.id(month);
      }
    }
  }

  synchronized List<Limiter.Window> windows(Plan plan, Windows now) {
    return now.of(plan, (meter, month) -> used(meter, now, month));
  }

  /** Nothing is reserved, and nothing was used this month. */
  synchronized boolean isIdle(Windows now) {
    return reserved.isEmpty() && window[index(Meter.REQUESTS, true)] != now.id(true);
  }

  /** The day in UTC and its month, as numbers that only grow. */
  record Windows(LocalDate day) {
    private static final long DAY_MICROS = 86_400_000_000L;

    static Windows at(long micros) {
      return new Windows(LocalDate.ofEpochDay(Math.floorDiv(micros, DAY_MICROS)));
    }

    long id(boolean ofMonth) {
      return day.getLong(ofMonth ? ChronoField.PROLEPTIC_MONTH : ChronoField.EPOCH_DAY);
    }

    private Instant end(boolean ofMonth) {
      LocalDate next = ofMonth ? day.withDayOfMonth(1).plusMonths(1) : day.plusDays(1);
      return next.atStartOfDay(ZoneOffset.UTC).toInstant();
    }

    Duration untilEnd(long micros, boolean ofMonth) {
      return Duration.between(Instant.EPOCH.plus(micros, ChronoUnit.MICROS), end(ofMonth));
    }

    /** The windows that the plan has a bound for, with what was used in each. */
    List<Limiter.Window> of(Plan plan, ToLongBiFunction<Meter, Boolean> used) {
      List<Limiter.Window> windows = new ArrayList<>();
      for (Meter meter : METERS) {
        for (boolean month : new boolean[] {false, true}) {
          long bound = plan.bound(meter, month);
          if (bound != Plan.Quota.UNBOUNDED) {
            long sum = used.applyAsLong(meter, month);
            windows.add(new Limiter.Window(meter, month, sum, bound, end(month)));
          }
        }
      }
      return windows;
    }
  }
}
