package luki.gateway.limit;

import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import luki.gateway.limit.Limiter.RateStatus;
import org.jspecify.annotations.Nullable;

/**
 * Limits the failed authentications of each address. Only failures count. With Redis the count is
 * shared; an instance sees the failures of others when it counts its own next one. Without Redis
 * each instance enforces the whole limit.
 */
public final class AuthFailures {
  private static final int MAX_ADDRESSES = 200_000;

  private final Rate rate;
  private final @Nullable RedisExecutor redis;
  private final LongSupplier micros;
  private final TokenBuckets buckets = new TokenBuckets(MAX_ADDRESSES);
  private final ConcurrentHashMap<Long, Long> blockedUntil = new ConcurrentHashMap<>();

  /**
   * Creates a limit.
   *
   * @param redis null for the limit of one instance
   */
  AuthFailures(int perMinute, @Nullable RedisExecutor redis, LongSupplier micros) {
    this.rate = Rate.of(perMinute, perMinute);
    this.redis = redis;
    this.micros = micros;
  }

  public boolean isOff() {
    return rate.isOff();
  }

  /**
   * How long an address is blocked.
   *
   * @param address a keyed hash of it, 16 hex digits
   * @return microseconds; 0 when it is not blocked
   */
  public long blockedFor(String address) {
    if (rate.isOff()) {
      return 0;
    }
    long now = micros.getAsLong();
    long id = Long.parseUnsignedLong(address, 16);
    RateStatus status = buckets.status(id, rate, now);
    long here = status.remaining() > 0 ? 0 : status.nextTokenMicros();
    Long shared = blockedUntil.get(id);
    return shared == null ? here : Math.max(here, shared - now);
  }

  /** Counts a failure; returns as {@link #blockedFor} when the failure is beyond the limit. */
  public long failed(String address) {
    if (rate.isOff()) {
      return 0;
    }
    long now = micros.getAsLong();
    long id = Long.parseUnsignedLong(address, 16);
    RateStatus status = buckets.take(id, rate, now, 1);
    return status.admitted() ? failedShared(address, id, now) : status.waitMicros();
  }

  private long failedShared(String address, long id, long now) {
    if (redis == null) {
      return 0;
    }
    try {
      RedisExecutor.Lease lease = redis.lease("luki:failures:" + address, rate, 1);
      if (lease.units() > 0) {
        return 0;
      }
      if (blockedUntil.size() < MAX_ADDRESSES) {
        blockedUntil.put(id, now + lease.waitMicros());
      }
      return lease.waitMicros();
    } catch (Limiter.Unavailable outage) {
      // The limit of this instance still applies.
      return 0;
    }
  }

  /** Removes addresses that are not blocked; to be called periodically. */
  void sweep() {
    long now = micros.getAsLong();
    buckets.sweep(now);
    blockedUntil.values().removeIf(until -> until <= now);
  }
}
