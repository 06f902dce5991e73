package luki.gateway.limit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import luki.gateway.config.Plan;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;
import luki.gateway.limit.QuotaCounter.Windows;
import luki.gateway.observe.Periodic;

/**
 * Counts in Redis, by its clock, with one script call for an admission. A reservation expires
 * unless it is renewed, so that those of a crashed process are freed without a call. While Redis is
 * unavailable this instance enforces its part of the limits, or refuses every call, or admits every
 * call, as the settings say. Its part of a rate goes on from what Redis said last of the caller.
 */
final class RedisLimiter implements Limiter {
  /** Lifetime of a reservation that is not renewed. */
  static final Duration LIFETIME = Duration.ofSeconds(15);

  private final RedisExecutor redis;
  private final MemoryLimiter local;
  private final OnRedisLoss onLoss;
  private final Supplier<String> clock;
  private final Duration lifetime;
  private final Map<String, Reservation> open = new ConcurrentHashMap<>();
  private final Periodic renewals;

  /**
   * Creates a limiter; Redis need not be reachable yet.
   *
   * @param local enforces this instance's part of the limits
   * @param clock microseconds, or an empty text for the server's time
   */
  RedisLimiter(
      RedisExecutor redis,
      MemoryLimiter local,
      OnRedisLoss onLoss,
      Supplier<String> clock,
      Duration lifetime) {
    this.redis = redis;
    this.local = local;
    this.onLoss = onLoss;
    this.clock = clock;
    this.lifetime = lifetime;
    this.renewals = new Periodic("quota-renewals", this::renew);
  }

  /** The braces are the hash tag: all keys of a caller are on one node of a cluster. */
  private static String key(String caller, String name) {
    return "luki:{" + caller + "}:" + name;
  }

  private static List<String> keys(String caller) {
    return List.of(key(caller, "used"), key(caller, "held"), key(caller, "rate"));
  }

  private static List<String> keys(Reservation reservation) {
    List<String> keys = new ArrayList<>(keys(reservation.caller()));
    keys.add(key(reservation.caller(), "done:" + reservation.id()));
    return keys;
  }

  /** What follows the bounds of the plan; units become one argument for each meter. */
  private List<String> arguments(Plan plan, Object... more) {
    List<String> arguments = new ArrayList<>(16);
    arguments.add(clock.get());
    for (Meter meter : Meter.values()) {
      arguments.add(Long.toString(plan.bound(meter, false)));
      arguments.add(Long.toString(plan.bound(meter, true)));
    }
    for (Object argument : more) {
      if (argument instanceof Units units) {
        for (Meter meter : Meter.values()) {
          arguments.add(Long.toString(units.of(meter)));
        }
      } else {
        arguments.add(argument.toString());
      }
    }
    return arguments;
  }

  private static long number(Object reply, int index) {
    return (Long) ((List<?>) reply).get(index);
  }

  @Override
  public Decision admit(Call call) {
    try {
      return call.isUnbounded() ? admitByRate(call) : admitByQuota(call);
    } catch (Unavailable outage) {
      return switch (onLoss) {
        case LOCAL -> {
          if (!outage.isOutage()) {
            local.learnNothing(call);
          }
          yield local.admit(call);
        }
        case DENY -> new Decision.Unavailable();
        case ALLOW -> new Decision.Admitted(null, Reservation.NONE);
      };
    }
  }

  private Decision admitByQuota(Call call) throws Unavailable {
    Plan plan = call.plan();
    Rate rate = Rate.of(plan);
    String id = UUID.randomUUID().toString();
    List<String> arguments =
        arguments(
            plan,
            rate.interval(),
            rate.burst(),
            call.cost(),
            id,
            lifetime.toMillis(),
            call.wanted());
    Object reply = redis.run(Script.ADMIT, keys(call.caller()), arguments);
    RateStatus status = status(reply, rate, call);
    if (!status.admitted()) {
      return new Decision.RateLimited(status);
    }
    if (number(reply, 2) > 0) {
      long now = number(reply, 4);
      boolean month = number(reply, 3) == 2;
      return new Decision.QuotaExceeded(status, Windows.at(now).untilEnd(now, month));
    }
    Units reserved = call.units().withCharacters(number(reply, 5));
    Reservation reservation = new Reservation(call.caller(), plan, id, reserved);
    open.put(id, reservation);
    return new Decision.Admitted(status, reservation);
  }

  private Decision admitByRate(Call call) throws Unavailable {
    Rate rate = Rate.of(call.plan());
    if (rate.isOff()) {
      return new Decision.Admitted(RateStatus.UNLIMITED, Reservation.NONE);
    }
    List<String> arguments = rate.arguments(clock.get(), call.cost());
    Object reply = redis.run(Script.RATE, List.of(key(call.caller(), "rate")), arguments);
    RateStatus status = status(reply, rate, call);
    return status.admitted()
        ? new Decision.Admitted(status, Reservation.NONE)
        : new Decision.RateLimited(status);
  }

  /** Both scripts reply first whether the rate permits the call, and when the bucket is full. */
  private RateStatus status(Object reply, Rate rate, Call call) {
    long microsUntilFull = number(reply, 1);
    local.learn(call.caller(), microsUntilFull);
    return rate.status(number(reply, 0) == 1, microsUntilFull, 0, call.cost());
  }

  @Override
  public long extend(Reservation reservation, long characters) {
    Reservation now = open.get(reservation.id());
    if (now == null) {
      return local.extend(reservation, characters);
    }
    try {
      long more = (Long) redis.run(Script.EXTEND, keys(now), extension(now, characters));
      Units all = now.units().withCharacters(now.units().streamedCharacters() + more);
      open.replace(now.id(), new Reservation(now.caller(), now.plan(), now.id(), all));
      return more;
    } catch (Unavailable outage) {
      // The quota left is unknown. A stream that has begun is bounded by its longest duration.
      return characters;
    }
  }

  private List<String> extension(Reservation now, long characters) {
    return arguments(now.plan(), now.id(), lifetime.toMillis(), now.units(), characters);
  }

  @Override
  public void settle(Reservation reservation, Units used) {
    if (open.remove(reservation.id()) == null) {
      local.settle(reservation, used);
    } else {
      settleShared(reservation, used);
    }
  }

  /** Counts in Redis; a repeated call has no effect. */
  void settleShared(Reservation reservation, Units used) {
    redis.runLater(
        Script.SETTLE, keys(reservation), arguments(reservation.plan(), reservation.id(), used));
  }

  @Override
  public Usage usage(String caller, Plan plan) throws Unavailable {
    Object reply;
    try {
      reply = redis.run(Script.USAGE, keys(caller), arguments(plan));
    } catch (Unavailable outage) {
      if (onLoss == OnRedisLoss.DENY) {
        throw outage;
      }
      return local.usage(caller, plan);
    }
    Rate rate = Rate.of(plan);
    Windows now = Windows.at(number(reply, 1));
    List<Window> windows =
        now.of(plan, (meter, month) -> number(reply, 2 + QuotaCounter.index(meter, month)));
    return new Usage(rate.isOff() ? null : rate.status(true, number(reply, 0), 0, 0), windows);
  }

  private Duration renew() {
    for (Reservation reservation : open.values()) {
      redis.send(Script.EXTEND, keys(reservation), extension(reservation, 0));
    }
    return lifetime.dividedBy(3);
  }

  /** From now on reservations expire, as those of a crashed process do. */
  void stopRenewals() {
    renewals.close();
  }

  @Override
  public void close() {
    stopRenewals();
    local.close();
    redis.close();
  }
}
