package luki.gateway.limit;

import luki.gateway.config.Plan;
import luki.gateway.limit.Limiter.RateStatus;

/**
 * A rate limit as an exact token bucket in the form of GCRA: the state of a bucket is one time, at
 * which it will be full again. Times are in microseconds.
 *
 * @param interval until one more unit is free; 0 = unlimited
 * @param burst units of a full bucket
 */
record Rate(long interval, long burst) {
  private static final long MINUTE = 60_000_000;

  /**
   * The rate of that many units a minute; a fraction of a microsecond is rounded up.
   *
   * @param perMinute 0 = unlimited
   */
  static Rate of(long perMinute, long burst) {
    return perMinute == 0
        ? new Rate(0, 0)
        : new Rate((MINUTE + perMinute - 1) / perMinute, Math.max(1, burst));
  }

  static Rate of(Plan plan) {
    return of(plan.perMinute(), plan.burst());
  }

  /** What each of several instances enforces while they share no counters. */
  Rate shared(int instances) {
    return isOff() ? this : new Rate(interval * instances, Math.max(1, burst / instances));
  }

  boolean isOff() {
    return interval == 0;
  }

  /** A call that costs more than a full bucket takes the full bucket. */
  long weight(long cost) {
    return Math.min(cost, burst);
  }

  /**
   * The time at which the bucket is full again after a call.
   *
   * @param full when it would have been full without the call
   * @return -1 when the bucket has too few units
   */
  long after(long full, long now, long cost) {
    long then = Math.max(full, now) + weight(cost) * interval;
    return then - now > burst * interval ? -1 : then;
  }

  /** The state of a bucket after a call was admitted or refused. */
  RateStatus status(boolean admitted, long full, long now, long cost) {
    if (isOff()) {
      return RateStatus.UNLIMITED;
    }
    long lacking = Math.max(0, full - now);
    long free = burst * interval - lacking;
    long remaining = free / interval;
    long nextToken = lacking == 0 ? 0 : (remaining + 1) * interval - free;
    long wait = admitted ? 0 : Math.max(0, weight(cost) * interval - free);
    return new RateStatus(admitted, remaining, nextToken, wait);
  }
}
