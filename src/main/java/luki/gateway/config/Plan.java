package luki.gateway.config;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import luki.gateway.http.Policy.Meter;
import org.jspecify.annotations.Nullable;

/**
 * What a caller may use.
 *
 * @param perMinute calls; 0 = unlimited
 * @param burst calls at once
 * @param quotas no entry for a meter without a bound
 */
public record Plan(String name, int perMinute, int burst, Map<Meter, Quota> quotas) {
  /** For callers that have no plan, or one that is not listed. */
  public static final String DEFAULT = "default";

  /** The time of a call is a whole number of microseconds, rounded up: ten at this rate. */
  public static final int MAX_PER_MINUTE = 6_000_000;

  public Plan {
    quotas = Map.copyOf(quotas);
  }

  /**
   * Bounds for a day and a month, in UTC.
   *
   * @param day {@link #UNBOUNDED} where only the month has a bound
   */
  public record Quota(long day, long month) {
    public static final long UNBOUNDED = -1;
  }

  /** What each of several instances enforces while they share no counters. */
  public Plan shared(int instances) {
    if (instances == 1 || quotas.isEmpty()) {
      return this;
    }
    Map<Meter, Quota> parts = new EnumMap<>(Meter.class);
    quotas.forEach(
        (meter, quota) ->
            parts.put(meter, new Quota(part(quota.day, instances), part(quota.month, instances))));
    return new Plan(name, perMinute, burst, parts);
  }

  private static long part(long bound, int instances) {
    return bound <= 0 ? bound : Math.max(1, bound / instances);
  }

  /** The bound of a meter, or {@link Quota#UNBOUNDED}. */
  public long bound(Meter meter, boolean month) {
    Quota quota = quotas.get(meter);
    return quota == null ? Quota.UNBOUNDED : month ? quota.month() : quota.day();
  }

  /**
   * A plan as the file defines it.
   *
   * @param perMinute null for the default of the environment
   * @param burst null for the same as in a minute
   */
  public record Rules(
      @Nullable Integer perMinute, @Nullable Integer burst, Map<Meter, Quota> quotas) {
    public Rules {
      quotas = Map.copyOf(quotas);
    }

    private Plan plan(String name, Settings.RateLimits defaults) {
      int rate = perMinute == null ? defaults.perMinute() : perMinute;
      int atOnce = burst != null ? burst : perMinute == null ? defaults.burst() : perMinute;
      return new Plan(name, rate, atOnce, quotas);
    }
  }

  /** The plans of the file, with the defaults of the environment. */
  public record Catalog(Map<String, Plan> plans, Plan byDefault) {
    public Catalog {
      plans = Map.copyOf(plans);
    }

    public static Catalog of(GatewayFile file, Settings.RateLimits defaults) {
      Map<String, Plan> plans = new HashMap<>();
      file.plans().forEach((name, rules) -> plans.put(name, rules.plan(name, defaults)));
      Rules none = new Rules(null, null, Map.of());
      Plan byDefault = plans.computeIfAbsent(DEFAULT, name -> none.plan(name, defaults));
      return new Catalog(plans, byDefault);
    }

    /** The plan of a name; the default plan where the name is missing or unknown. */
    public Plan of(@Nullable String name) {
      return name == null ? byDefault : plans.getOrDefault(name, byDefault);
    }
  }
}
