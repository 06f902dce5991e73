package luki.gateway.limit;

import static java.util.concurrent.TimeUnit.MICROSECONDS;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import luki.gateway.config.Settings.OnRedisLoss;
import org.jspecify.annotations.Nullable;

/**
 * The bucket of all callers together. Where it is shared, an instance draws a small part of it at a
 * time and gives back what it did not need, so that it is not asked for at every call. The parts
 * come out of one exact bucket: all instances together never let more in.
 */
public final class GlobalLimit {
  private static final int LEASES_A_SECOND = 20;
  private static final long MAX_LEASED = 1000;
  private static final Duration UNUSED = Duration.ofSeconds(1);
  private static final Duration ASK_AGAIN = Duration.ofMillis(50);
  private static final List<String> KEY = List.of("luki:global");

  private final long perMinute;
  private final @Nullable RedisLink link;
  private final OnRedisLoss onLoss;
  private final LongSupplier micros;
  private final long lease;
  private final Rate own;
  private final Bucket bucket = new Bucket();
  private final AtomicLong leased = new AtomicLong();
  private final ReentrantLock drawing = new ReentrantLock();
  private volatile long lastUsed;
  private volatile long emptyUntil;
  private volatile long emptyWait;

  private GlobalLimit(
      long perMinute,
      @Nullable RedisLink link,
      OnRedisLoss onLoss,
      int instances,
      LongSupplier micros) {
    this.perMinute = perMinute;
    this.link = link;
    this.onLoss = onLoss;
    this.micros = micros;
    this.lease = Math.clamp(perMinute / (60L * LEASES_A_SECOND * instances), 1, MAX_LEASED);
    this.own = Rate.of(perMinute, perMinute).shared(instances);
  }

  /** Of this process alone. */
  public static GlobalLimit inMemory(int perMinute, LongSupplier micros) {
    return new GlobalLimit(perMinute, null, OnRedisLoss.LOCAL, 1, micros);
  }

  /** Of all instances. */
  public static GlobalLimit shared(
      int perMinute, SharedLimiter with, OnRedisLoss onLoss, int instances, LongSupplier micros) {
    return new GlobalLimit(perMinute, with.link(), onLoss, instances, micros);
  }

  public boolean isOff() {
    return perMinute == 0;
  }

  /** What became of a wish. */
  public sealed interface Grant {
    /** The units were there; where they came from, they go back to. */
    record Taken(Source from) implements Grant {}

    /** There may be some in so many microseconds. */
    record Wait(long micros) implements Grant {}

    /** Nobody knows, and the setting says that then nobody passes. */
    record Unavailable() implements Grant {}
  }

  /** Where units were taken from. */
  public enum Source {
    OWN,
    LEASED,
    NOWHERE
  }

  private static final Grant UNCOUNTED = new Grant.Taken(Source.NOWHERE);
  private static final Grant FROM_OWN = new Grant.Taken(Source.OWN);
  private static final Grant FROM_LEASE = new Grant.Taken(Source.LEASED);

  /** Takes units. */
  public Grant take(int cost) {
    if (isOff()) {
      return UNCOUNTED;
    }
    return link == null ? takeOwn(cost) : takeLeased(link, cost);
  }

  /** Gives back what a call did not need that was refused for another reason. */
  public void giveBack(int cost, Grant grant) {
    if (!(grant instanceof Grant.Taken(Source from))) {
      return;
    }
    switch (from) {
      case OWN -> bucket.giveBack(own, cost);
      case LEASED -> leased.addAndGet(cost);
      case NOWHERE -> {}
    }
  }

  private Grant takeOwn(int cost) {
    RateStatus standing = bucket.take(own, micros.getAsLong(), cost);
    return standing == null || standing.admitted()
        ? FROM_OWN
        : new Grant.Wait(Math.max(1, standing.waitMicros()));
  }

  private Grant takeLeased(RedisLink from, int cost) {
    if (takeFromLease(cost)) {
      return FROM_LEASE;
    }
    if (micros.getAsLong() < emptyUntil) {
      return new Grant.Wait(emptyWait);
    }
    drawing.lock();
    try {
      // Another call may have drawn while this one waited.
      if (takeFromLease(cost)) {
        return FROM_LEASE;
      }
      long wait = draw(from, cost);
      return wait == 0 ? FROM_LEASE : new Grant.Wait(wait);
    } catch (Limiter.Unavailable away) {
      return switch (onLoss) {
        case LOCAL -> takeOwn(cost);
        case ALLOW -> UNCOUNTED;
        case DENY -> new Grant.Unavailable();
      };
    } finally {
      drawing.unlock();
    }
  }

  private boolean takeFromLease(int cost) {
    lastUsed = micros.getAsLong();
    while (true) {
      long there = leased.get();
      if (there < cost) {
        return false;
      }
      if (leased.compareAndSet(there, there - cost)) {
        return true;
      }
    }
  }

  private long draw(RedisLink from, int cost) throws Limiter.Unavailable {
    List<?> answer = (List<?>) from.run(Script.LEASE, KEY, arguments(Math.max(lease, cost)));
    long given = (Long) answer.getFirst();
    if (leased.addAndGet(given) >= cost) {
      return takeFromLease(cost) ? 0 : 1;
    }
    long wait = Math.max(1, (Long) answer.get(1));
    emptyWait = wait;
    emptyUntil = micros.getAsLong() + Math.min(wait, MICROSECONDS.convert(ASK_AGAIN));
    return wait;
  }

  private List<String> arguments(long units) {
    Rate rate = Rate.of(perMinute, perMinute);
    return List.of(
        "", Long.toString(rate.interval()), Long.toString(rate.burst()), Long.toString(units));
  }

  /** To be called now and then: gives back what nobody has asked for in a while. */
  public void returnUnused() {
    if (link == null || micros.getAsLong() - lastUsed < MICROSECONDS.convert(UNUSED)) {
      return;
    }
    long unused = leased.getAndSet(0);
    if (unused > 0) {
      // Not twice: units that never were would come of it.
      link.runOnce(Script.LEASE, KEY, arguments(-unused));
    }
  }
}
