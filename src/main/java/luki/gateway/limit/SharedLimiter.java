package luki.gateway.limit;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.LongSupplier;
import luki.gateway.config.Plan;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.http.Policy.Units;

/**
 * Limits that several instances share through Redis, and what holds while it is away: each instance
 * by itself with its part of the limit, nobody, or everybody.
 */
public final class SharedLimiter implements Limiter {
  private final RedisLink link;
  private final RedisLimiter redis;
  private final MemoryLimiter local;
  private final OnRedisLoss onLoss;

  /**
   * Connects.
   *
   * @param deadline of each question
   * @param replicas instances that share the limits
   * @param micros this process's own time, for the limits that hold without Redis
   */
  public SharedLimiter(
      List<URI> addresses,
      Duration deadline,
      OnRedisLoss onLoss,
      int replicas,
      LongSupplier micros,
      ScheduledExecutorService timer) {
    this(
        new RedisLink(() -> Redis.client(addresses, deadline), addresses.size() == 1, deadline),
        onLoss,
        new MemoryLimiter(micros, replicas, timer),
        timer);
  }

  SharedLimiter(
      RedisLink link, OnRedisLoss onLoss, MemoryLimiter local, ScheduledExecutorService timer) {
    this.link = link;
    this.redis = new RedisLimiter(link, () -> "", RedisLimiter.HOLD, timer);
    this.local = local;
    this.onLoss = onLoss;
  }

  /** The connection, for what else is shared through it. */
  RedisLink link() {
    return link;
  }

  public void start() {
    link.warmUp();
  }

  @Override
  public boolean isDegraded() {
    return link.isAway();
  }

  @Override
  public boolean isReady() {
    return onLoss != OnRedisLoss.DENY || !link.isAway();
  }

  @Override
  public Verdict admit(Demand demand) {
    try {
      return redis.admit(demand);
    } catch (Unavailable away) {
      return switch (onLoss) {
        case LOCAL -> local.admit(demand);
        case DENY -> new Verdict.Unavailable();
        case ALLOW -> new Verdict.Admitted(null, Reservation.NOTHING);
      };
    }
  }

  @Override
  public long draw(Reservation hold, long characters) {
    if (!redis.holds(hold)) {
      return local.draw(hold, characters);
    }
    try {
      return redis.draw(hold, characters);
    } catch (Unavailable away) {
      // Nobody knows how far a stream may go that has begun; it ends by its longest life.
      return characters;
    }
  }

  @Override
  public void settle(Reservation hold, Units used) {
    if (redis.holds(hold)) {
      redis.settle(hold, used);
    } else {
      local.settle(hold, used);
    }
  }

  @Override
  public Usage usage(String caller, Plan plan) throws Unavailable {
    try {
      return redis.usage(caller, plan);
    } catch (Unavailable away) {
      if (onLoss == OnRedisLoss.DENY) {
        throw away;
      }
      return local.usage(caller, plan);
    }
  }

  @Override
  public void close() {
    redis.close();
    local.close();
    link.close();
  }
}
