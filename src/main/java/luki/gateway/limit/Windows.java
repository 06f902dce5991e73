package luki.gateway.limit;

import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Meter;

/** The day and the month in UTC that a moment falls into, as numbers that only grow. */
record Windows(long day, long month) {
  private static final long DAY_MICROS = 86_400_000_000L;
  private static final int MONTHS = 12;

  static Windows at(long micros) {
    YearMonth month = YearMonth.from(instant(micros).atOffset(ZoneOffset.UTC));
    return new Windows(
        Math.floorDiv(micros, DAY_MICROS),
        month.getYear() * (long) MONTHS + month.getMonthValue() - 1);
  }

  static Instant instant(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }

  static long micros(Instant instant) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
  }

  long id(boolean ofMonth) {
    return ofMonth ? month : day;
  }

  /** When the window is over. */
  Instant end(boolean ofMonth) {
    if (!ofMonth) {
      return instant((day + 1) * DAY_MICROS);
    }
    long next = month + 1;
    return YearMonth.of((int) (next / MONTHS), (int) (next % MONTHS) + 1)
        .atDay(1)
        .atStartOfDay(ZoneOffset.UTC)
        .toInstant();
  }

  /** How much was used of a meter. */
  @FunctionalInterface
  interface Used {
    long of(Meter meter, boolean month);
  }

  /** Those that a plan has a bound for. */
  List<Limiter.Window> of(Plan plan, Used used) {
    List<Limiter.Window> windows = new ArrayList<>();
    for (Meter meter : Meter.values()) {
      for (boolean month : new boolean[] {false, true}) {
        long bound = plan.bound(meter, month);
        if (bound != Plan.Quota.UNBOUNDED) {
          windows.add(new Limiter.Window(meter, month, used.of(meter, month), bound, end(month)));
        }
      }
    }
    return windows;
  }
}
