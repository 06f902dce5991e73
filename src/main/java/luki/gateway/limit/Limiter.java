package luki.gateway.limit;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import org.jspecify.annotations.Nullable;

/**
 * Counts what callers use. A call is let in with what it is expected to use held back, and settled
 * when it is known what it did use; so that of many calls at one remaining unit exactly one passes.
 */
public interface Limiter extends AutoCloseable {
  /**
   * A call that wants in.
   *
   * @param caller a keyed hash of who it is, 16 hex digits
   * @param cost of its rate
   * @param units that it will count as
   * @param streams it wants characters as well, as many as there are up to a handful
   */
  record Demand(String caller, Plan plan, int cost, Units units, boolean streams) {
    /** Nothing that it counts as has a bound: there is nothing to hold back. */
    boolean isUnbounded() {
      return units.isNone() || plan.quotas().isEmpty();
    }

    /** What is to be held back for it. */
    Units wanted() {
      return streams ? units.withCharacters(CHARACTERS_AT_ONCE) : units;
    }
  }

  /** Characters that a stream holds back at a time. */
  long CHARACTERS_AT_ONCE = 1000;

  /** The answer to a demand. */
  sealed interface Verdict {
    /** How the caller's rate stands; null where the limiter could not say. */
    @Nullable RateStatus rate();

    record Admitted(@Nullable RateStatus rate, Reservation hold) implements Verdict {}

    record RateLimited(RateStatus rate) implements Verdict {}

    /** The rate is kept, but a quota is used up. */
    record QuotaExceeded(@Nullable RateStatus rate, Instant now, Instant resets)
        implements Verdict {}

    /** Nothing can be counted, and the setting says that then nobody passes. */
    record Unavailable() implements Verdict {
      @Override
      public @Nullable RateStatus rate() {
        return null;
      }
    }
  }

  /**
   * What is held back for a call under way.
   *
   * @param id unique; empty where nothing is held back
   */
  record Reservation(String caller, Plan plan, String id, Units units) {
    /** For calls whose use has no bound. */
    static final Reservation NOTHING =
        new Reservation("", new Plan("", 0, 0, Map.of()), "", Units.NONE);

    public boolean isNothing() {
      return id.isEmpty();
    }
  }

  /** What was used in a window, and what may be. */
  record Window(Meter meter, boolean month, long used, long limit, Instant resets) {}

  /** How a caller stands with everything. */
  record Usage(@Nullable RateStatus rate, List<Window> windows) {
    public Usage {
      windows = List.copyOf(windows);
    }
  }

  Verdict admit(Demand demand);

  /** Holds back as many more characters as there are, at most those; 0 when none is left. */
  long draw(Reservation hold, long characters);

  /** Ends a call: counts what it used, and frees what it did not. */
  void settle(Reservation hold, Units used);

  /**
   * What a caller has used.
   *
   * @throws Unavailable it cannot be asked
   */
  Usage usage(String caller, Plan plan) throws Unavailable;

  /** It does with less than it should, because what it counts in is away. */
  default boolean isDegraded() {
    return false;
  }

  /** Whether callers can be let in at all. */
  default boolean isReady() {
    return true;
  }

  @Override
  void close();

  /** The counters cannot be reached. */
  final class Unavailable extends Exception {
    private static final long serialVersionUID = 1;

    Unavailable(String what) {
      super(what);
    }

    Unavailable(String what, Throwable cause) {
      super(what, cause);
    }
  }
}
