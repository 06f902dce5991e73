package luki.gateway.config;

import java.util.EnumMap;
import java.util.Map;
import luki.gateway.http.Meter;
import org.jspecify.annotations.Nullable;

/**
 * What a caller may use.
 *
 * @param perMinute calls; 0 for any number
 * @param burst calls at once
 * @param quotas none for a meter without a bound
 */
public record Plan(String name, int perMinute, int burst, Map<Meter, Quota> quotas) {
  /** Of callers that have no plan, or one that is not listed. */
  public static final String DEFAULT = "default";

  /** The time of a call is a whole number of microseconds, rounded up: here it is ten. */
  public static final int MAX_PER_MINUTE = 6_000_000;

  public Plan {
    quotas = quotas.isEmpty() ? Map.of() : Map.copyOf(new EnumMap<>(quotas));
  }

  /**
   * So many a day and a month, in UTC.
   *
   * @param day {@link #UNBOUNDED} where only the month has a bound
   */
  public record Quota(long day, long month) {
    public static final long UNBOUNDED = -1;
  }

  /** What each of several instances enforces while they cannot talk to each other. */
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

  /** How many of a meter; {@link Quota#UNBOUNDED} for any number. */
  public long bound(Meter meter, boolean month) {
    Quota quota = quotas.get(meter);
    return quota == null ? Quota.UNBOUNDED : month ? quota.month() : quota.day();
  }

  /**
   * What the file says of a plan.
   *
   * @param perMinute null for what the environment says
   * @param burst null for as many as in a minute
   */
  public record Rules(
      @Nullable Integer perMinute, @Nullable Integer burst, Map<Meter, Quota> quotas) {
    public Rules {
      quotas = quotas.isEmpty() ? Map.of() : Map.copyOf(new EnumMap<>(quotas));
    }
  }
}
