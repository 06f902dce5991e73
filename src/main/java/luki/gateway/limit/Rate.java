package luki.gateway.limit;

import luki.gateway.config.Plan;

/**
 * An exact token bucket as GCRA keeps it: one time, at which the bucket will be full again. All
 * times are in microseconds.
 *
 * @param interval until one more unit is free; 0 for no limit
 * @param burst units of a full bucket
 */
record Rate(long interval, long burst) {
  private static final long MINUTE = 60_000_000;

  static final Rate OFF = new Rate(0, 0);

  /**
   * A rate.
   *
   * @param perMinute 0 for no limit; a fraction of a microsecond is rounded up
   */
  static Rate of(long perMinute, long burst) {
    return perMinute == 0
        ? OFF
        : new Rate((MINUTE + perMinute - 1) / perMinute, Math.max(1, burst));
  }

  static Rate of(Plan plan) {
    return of(plan.perMinute(), plan.burst());
  }

  /** What each of several instances enforces while they cannot talk to each other. */
  Rate shared(int instances) {
    return isOff() ? this : new Rate(interval * instances, Math.max(1, burst / instances));
  }

  boolean isOff() {
    return interval == 0;
  }

  /** A call that weighs more than the whole bucket takes the whole bucket. */
  long weight(long cost) {
    return Math.min(cost, burst);
  }

  /**
   * The time at which the bucket is full again after a call.
   *
   * @param full when it was full before
   * @return -1 when the call does not fit
   */
  long after(long full, long now, long cost) {
    long then = Math.max(full, now) + weight(cost) * interval;
    return then - now > burst * interval ? -1 : then;
  }

  /** How things stand after a call that was let in or not. */
  RateStatus standing(boolean admitted, long full, long now, long cost) {
    if (isOff()) {
      return RateStatus.UNLIMITED;
    }
    long lacking = Math.max(0, full - now);
    long free = burst * interval - lacking;
    long remaining = free / interval;
    long untilOne = lacking == 0 ? 0 : (remaining + 1) * interval - free;
    long wait = admitted ? 0 : Math.max(0, weight(cost) * interval - free);
    return new RateStatus(admitted, remaining, untilOne, wait);
  }
}
