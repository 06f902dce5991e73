package luki.gateway.limit;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;
import luki.gateway.limit.Limiter.RateStatus;
import org.jspecify.annotations.Nullable;

/**
 * Limits the failed authentications of each address, and remembers which credentials were accepted
 * from it. Only failures count. With Redis the count is shared; an instance sees the failures of
 * others when it counts its own next one. Without Redis each instance enforces the whole limit.
 * What was accepted is known to the instance that accepted it.
 */
public final class AuthFailures {
  private static final int MAX_ADDRESSES = 200_000;
  private static final int ROWS = 1 << 14;
  private static final int COLUMNS = 4;
  // Of a key the end is random, of a token it is the signature.
  private static final int END = 32;

  private final Rate rate;
  private final @Nullable RedisExecutor redis;
  private final LongSupplier micros;
  private final TokenBuckets buckets = new TokenBuckets(MAX_ADDRESSES);
  private final ConcurrentHashMap<Long, Long> blockedUntil = new ConcurrentHashMap<>();

  /** Hashes of addresses and credentials, in rows with the newest first; 0 is an empty place. */
  private final AtomicLongArray accepted = new AtomicLongArray(ROWS * COLUMNS);

  /** Without Redis it is the limit of one instance. */
  AuthFailures(int perMinute, @Nullable RedisExecutor redis, LongSupplier micros) {
    this.rate = Rate.of(perMinute, perMinute);
    this.redis = redis;
    this.micros = micros;
  }

  /** Nothing is limited; the other methods must not be called then. */
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
    long now = micros.getAsLong();
    long id = Long.parseUnsignedLong(address, 16);
    RateStatus status = buckets.status(id, rate, now);
    long here = status.remaining() > 0 ? 0 : status.nextTokenMicros();
    Long shared = blockedUntil.get(id);
    return shared == null ? here : Math.max(here, shared - now);
  }

  /** Counts a failure; returns as {@link #blockedFor} when the failure is beyond the limit. */
  public long failed(String address) {
    long now = micros.getAsLong();
    long id = Long.parseUnsignedLong(address, 16);
    RateStatus status = buckets.take(id, rate, now, 1);
    return status.admitted() ? failedShared(address, id, now) : status.waitMicros();
  }

  /**
   * Remembers that this credential was accepted from the address. Makes no object: this is done for
   * every request.
   */
  public void accepted(String address, String credential) {
    long hash = hash(address, credential);
    if (!contains(hash)) {
      int row = row(hash);
      for (int i = row + COLUMNS - 1; i > row; i--) {
        accepted.set(i, accepted.get(i - 1));
      }
      accepted.set(row, hash);
    }
  }

  /** Whether the credential was accepted from the address; the oldest ones are forgotten. */
  public boolean wasAccepted(String address, String credential) {
    return contains(hash(address, credential));
  }

  private boolean contains(long hash) {
    int row = row(hash);
    for (int i = row; i < row + COLUMNS; i++) {
      if (accepted.get(i) == hash) {
        return true;
      }
    }
    return false;
  }

  private static int row(long hash) {
    return (int) (hash >>> 50) * COLUMNS;
  }

  /** Only as strong as it must be: who finds another credential with it may have that checked. */
  private static long hash(String address, String credential) {
    long hash = Long.parseUnsignedLong(address, 16);
    for (int i = Math.max(0, credential.length() - END); i < credential.length(); i++) {
      hash = (hash ^ credential.charAt(i)) * 0x9E3779B97F4A7C15L;
    }
    return hash | 1;
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
