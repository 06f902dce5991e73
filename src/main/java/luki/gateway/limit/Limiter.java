package luki.gateway.limit;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import org.jspecify.annotations.Nullable;

/**
 * Enforces the rate and the quotas of callers. The units that a call is expected to use are
 * reserved when it is admitted, and settled when its use is known; so of many calls at one
 * remaining unit exactly one is admitted.
 */
public interface Limiter extends AutoCloseable {
  /** Characters that a stream reserves at a time. */
  long CHARACTERS_AT_ONCE = 1000;

  /**
   * A call to admit.
   *
   * @param caller a keyed hash of the caller, 16 hex digits
   * @param cost units of the rate
   * @param units that it counts as in quotas
   * @param streams it reserves characters too: {@link #CHARACTERS_AT_ONCE}, or what is left
   */
  record Call(String caller, Plan plan, int cost, Units units, boolean streams) {
    /** No quota applies to it: there is nothing to reserve. */
    boolean isUnbounded() {
      return units.isNone() || plan.quotas().isEmpty();
    }

    /** The units to reserve for it. */
    Units wanted() {
      return streams ? units.withCharacters(CHARACTERS_AT_ONCE) : units;
    }
  }

  /**
   * The state of a caller's rate limit.
   *
   * @param remaining units that are free now
   * @param nextTokenMicros microseconds until one more is free
   * @param waitMicros microseconds until the refused call would be admitted; 0 when it was admitted
   */
  record RateStatus(boolean admitted, long remaining, long nextTokenMicros, long waitMicros) {
    /** No rate is enforced. */
    static final RateStatus UNLIMITED = new RateStatus(true, Long.MAX_VALUE, 0, 0);

    public boolean isLimited() {
      return remaining != Long.MAX_VALUE;
    }
  }

  /** Whether a call is admitted. */
  sealed interface Decision {
    /** The state of the caller's rate; null where it is unknown. */
    @Nullable RateStatus rate();

    record Admitted(@Nullable RateStatus rate, Reservation reservation) implements Decision {}

    record RateLimited(RateStatus rate) implements Decision {}

    /** The rate permits the call, a quota does not. */
    record QuotaExceeded(RateStatus rate, Duration untilReset) implements Decision {}

    /** The counters cannot be used, and the settings say that no call is admitted then. */
    record Unavailable() implements Decision {
      @Override
      public @Nullable RateStatus rate() {
        return null;
      }
    }
  }

  /**
   * The units that are reserved for a call in flight.
   *
   * @param id unique; empty where nothing is reserved
   */
  record Reservation(String caller, Plan plan, String id, Units units) {
    /** Of calls without a quota. */
    static final Reservation NONE =
        new Reservation("", new Plan("", 0, 0, Map.of()), "", Units.NONE);

    public boolean isNone() {
      return id.isEmpty();
    }
  }

  /** Use and bound of a meter in the current day or month. */
  record Window(Meter meter, boolean month, long used, long limit, Instant resets) {}

  /** What a caller has used. */
  record Usage(@Nullable RateStatus rate, List<Window> windows) {
    public Usage {
      windows = List.copyOf(windows);
    }
  }

  Decision admit(Call call);

  /** Reserves up to that many characters more for a call; returns how many, 0 if none is left. */
  long extend(Reservation reservation, long characters);

  /** Ends a call: counts what it used and frees the rest of its reservation. */
  void settle(Reservation reservation, Units used);

  /**
   * The usage of a caller.
   *
   * @throws Unavailable the counters cannot be read
   */
  Usage usage(String caller, Plan plan) throws Unavailable;

  @Override
  void close();

  /** The counters cannot be used. */
  final class Unavailable extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean outage;

    /** With an outage it lasts; otherwise only this call got no reply. */
    Unavailable(String reason, @Nullable Throwable cause, boolean outage) {
      super(reason, cause);
      this.outage = outage;
    }

    boolean isOutage() {
      return outage;
    }
  }
}
