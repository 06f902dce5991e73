package luki.gateway.limit;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import org.jspecify.annotations.Nullable;

/** What one caller has used and holds back, in this process. */
final class QuotaCount {
  private static final Meter[] METERS = Meter.values();

  private final long[] used = new long[2 * METERS.length];
  private final long[] window = new long[2 * METERS.length];
  private final Map<String, Units> held = new HashMap<>(2);

  /** Which meter is used up, and whether by the month's bound. */
  record QuotaExceeded(Meter meter, boolean month) {}

  /** The place of a count: a day and a month of each meter. */
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

  /** What is left; {@link Long#MAX_VALUE} where there is no bound. */
  private long left(Plan plan, Meter meter, Windows now, boolean month) {
    long bound = plan.bound(meter, month);
    if (bound == Plan.Quota.UNBOUNDED) {
      return Long.MAX_VALUE;
    }
    long back = held.values().stream().mapToLong(units -> units.of(meter)).sum();
    return Math.max(0, bound - used(meter, now, month) - back);
  }

  private long left(Plan plan, Meter meter, Windows now) {
    return Math.min(left(plan, meter, now, false), left(plan, meter, now, true));
  }

  /**
   * Holds back what a call will use; of characters as many as there are.
   *
   * @return null when there is enough
   */
  synchronized @Nullable QuotaExceeded hold(String id, Plan plan, Units wanted, Windows now) {
    for (Meter meter : METERS) {
      long least =
          Math.min(wanted.of(meter), meter == Meter.STREAMED_CHARACTERS ? 1 : wanted.of(meter));
      if (left(plan, meter, now) < least) {
        return new QuotaExceeded(meter, left(plan, meter, now, true) < least);
      }
    }
    long characters =
        Math.min(wanted.streamedCharacters(), left(plan, Meter.STREAMED_CHARACTERS, now));
    held.put(id, wanted.withCharacters(characters));
    return null;
  }

  synchronized Units held(String id) {
    return held.getOrDefault(id, Units.NONE);
  }

  synchronized long draw(String id, Plan plan, long characters, Windows now) {
    long more = Math.min(characters, left(plan, Meter.STREAMED_CHARACTERS, now));
    held.computeIfPresent(
        id, (_, units) -> units.withCharacters(units.streamedCharacters() + more));
    return more;
  }

  /** Counts what was used in the end, and frees what was held back. */
  synchronized void settle(String id, Units actual, Windows now) {
    held.remove(id);
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

  /** Nothing is held, and nothing was used this month. */
  synchronized boolean isOver(Windows now) {
    return held.isEmpty() && window[index(Meter.REQUESTS, true)] != now.month();
  }
}
