package luki.gateway.limit;

import static java.util.concurrent.TimeUnit.MICROSECONDS;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.config.Settings.RateLimits;
import luki.gateway.limit.Limiter.RateStatus;
import org.jspecify.annotations.Nullable;

/**
 * The rate limit of all callers together. With Redis, an instance leases a small part of the bucket
 * at a time and returns what it did not use, so that most calls need no round trip. All leases come
 * from one exact bucket: the instances together never admit more.
 */
public final class GlobalLimit {
  private static final String KEY = "luki:global";
  private static final int LEASES_A_SECOND = 20;
  private static final long MAX_LEASE = 1000;
  private static final long RETURN_AFTER = MICROSECONDS.convert(Duration.ofSeconds(1));
  private static final long MAX_PAUSE = MICROSECONDS.convert(Duration.ofMillis(50));

  private final @Nullable RedisExecutor redis;
  private final OnRedisLoss onLoss;
  private final LongSupplier micros;
  private final Rate rate;
  private final Rate localRate;
  private final long leaseSize;
  private final TokenBuckets.Bucket localBucket = new TokenBuckets.Bucket();
  private final AtomicLong leased = new AtomicLong();
  private final ReentrantLock leasing = new ReentrantLock();
  private volatile long lastUsed;
  private volatile long emptyUntil;
  private volatile long emptyWait;

  /** Without Redis it is the limit of one instance. */
  GlobalLimit(RateLimits limits, @Nullable RedisExecutor redis, LongSupplier micros) {
    long perMinute = limits.globalPerMinute();
    int instances = redis == null ? 1 : limits.replicas();
    this.redis = redis;
    this.onLoss = limits.onRedisLoss();
    this.micros = micros;
    this.rate = Rate.of(perMinute, perMinute);
    this.localRate = rate.shared(instances);
    this.leaseSize = Math.clamp(perMinute / (60L * LEASES_A_SECOND * instances), 1, MAX_LEASE);
  }

  /** Whether a call is admitted. */
  public sealed interface Result {
    /** Admitted, by where the units were taken from. */
    enum Admitted implements Result {
      LOCAL,
      LEASED,
      UNCOUNTED
    }

    record RateLimited(long waitMicros) implements Result {}

    /** Redis is unavailable, and the settings say that no call is admitted then. */
    record Unavailable() implements Result {}
  }

  public Result take(int cost) {
    if (rate.isOff()) {
      return Result.Admitted.UNCOUNTED;
    }
    return redis == null ? takeLocal(cost) : takeShared(redis, cost);
  }

  /** Gives back the units of a call that was refused for another reason. */
  public void giveBack(int cost, Result result) {
    if (result == Result.Admitted.LOCAL) {
      localBucket.giveBack(localRate, cost);
    } else if (result == Result.Admitted.LEASED) {
      leased.addAndGet(cost);
    }
  }

  private Result takeLocal(int cost) {
    RateStatus status = localBucket.take(localRate, micros.getAsLong(), cost);
    return status == null || status.admitted()
        ? Result.Admitted.LOCAL
        : new Result.RateLimited(Math.max(1, status.waitMicros()));
  }

  private Result takeShared(RedisExecutor from, int cost) {
    if (takeLeased(cost)) {
      return Result.Admitted.LEASED;
    }
    if (micros.getAsLong() < emptyUntil) {
      return new Result.RateLimited(emptyWait);
    }
    leasing.lock();
    try {
      // Another call may have leased units while this one waited for the lock.
      if (takeLeased(cost)) {
        return Result.Admitted.LEASED;
      }
      long wait = lease(from, cost);
      return wait == 0 ? Result.Admitted.LEASED : new Result.RateLimited(wait);
    } catch (Limiter.Unavailable outage) {
      return switch (onLoss) {
        case LOCAL -> takeLocal(cost);
        case ALLOW -> Result.Admitted.UNCOUNTED;
        case DENY -> new Result.Unavailable();
      };
    } finally {
      leasing.unlock();
    }
  }

  private boolean takeLeased(int cost) {
    lastUsed = micros.getAsLong();
    long before =
        leased.getAndAccumulate(cost, (free, wanted) -> free < wanted ? free : free - wanted);
    return before >= cost;
  }

  /** Leases units and takes those of a call; returns 0, or microseconds until it may try again. */
  private long lease(RedisExecutor from, int cost) throws Limiter.Unavailable {
    RedisExecutor.Lease lease = from.lease(KEY, rate, Math.max(leaseSize, cost));
    if (leased.addAndGet(lease.units()) >= cost) {
      return takeLeased(cost) ? 0 : 1;
    }
    long wait = Math.max(1, lease.waitMicros());
    emptyWait = wait;
    emptyUntil = micros.getAsLong() + Math.min(wait, MAX_PAUSE);
    return wait;
  }

  /** Returns leased units that were not used for a while; to be called periodically. */
  void returnUnused() {
    if (redis == null || micros.getAsLong() - lastUsed < RETURN_AFTER) {
      return;
    }
    long unused = leased.getAndSet(0);
    if (unused > 0) {
      redis.giveBack(KEY, rate, unused);
    }
  }
}
