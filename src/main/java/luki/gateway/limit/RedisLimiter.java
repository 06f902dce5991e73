package luki.gateway.limit;

import java.time.Duration;
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
import luki.gateway.upstream.Call;
import org.jspecify.annotations.Nullable;

/**
 * Counts in Redis, by its clock, with one script call for an admission. A reservation expires
 * unless it is renewed, so that those of a crashed process are freed without a call. While Redis is
 * unavailable this instance enforces its part of the limits, or refuses every call, or admits every
 * call, as the settings say. Its part of a rate goes on from what Redis said last of the caller.
 */
final class RedisLimiter implements Limiter {
  /** Lifetime of a reservation that is not renewed. */
  static final Duration LIFETIME = Duration.ofSeconds(15);

  private static final Meter[] METERS = Meter.values();

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

  /** Begins a call with the keys of a caller, the clock and the bounds of the plan. */
  private Script.Call call(Script script, String caller, Plan plan, @Nullable String settled) {
    Script.Call call = new Script.Call(script, caller);
    call.addKey("used", "").addKey("held", "").addKey("rate", "");
    if (settled != null) {
      call.addKey("done:", settled);
    }
    call.add(clock.get());
    for (Meter meter : METERS) {
      call.add(plan.bound(meter, false)).add(plan.bound(meter, true));
    }
    return call;
  }

  private Script.Call call(Script script, Reservation reservation) {
    return call(script, reservation.caller(), reservation.plan(), reservation.id())
        .add(reservation.id());
  }

  private static Script.Call add(Script.Call call, Units units) {
    for (Meter meter : METERS) {
      call.add(units.of(meter));
    }
    return call;
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
    Script.Call admission = call(Script.ADMIT, call.caller(), plan, null);
    admission.add(rate.interval()).add(rate.burst()).add(call.cost());
    admission.add(id).add(lifetime.toMillis());
    long[] reply = redis.run(add(admission, call.wanted()));
    RateStatus status = status(reply, rate, call);
    if (!status.admitted()) {
      return new Decision.RateLimited(status);
    }
    if (reply[2] > 0) {
      long now = reply[4];
      boolean month = reply[3] == 2;
      return new Decision.QuotaExceeded(status, Windows.at(now).untilEnd(now, month));
    }
    Units reserved = call.units().withCharacters(reply[5]);
    Reservation reservation = new Reservation(call.caller(), plan, id, reserved);
    open.put(id, reservation);
    return new Decision.Admitted(status, reservation);
  }

  private Decision admitByRate(Call call) throws Unavailable {
    Rate rate = Rate.of(call.plan());
    if (rate.isOff()) {
      return new Decision.Admitted(RateStatus.UNLIMITED, Reservation.NONE);
    }
    Script.Call admission = new Script.Call(Script.RATE, call.caller());
    admission.addKey("rate", "").add(clock.get());
    long[] reply = redis.run(admission.add(rate.interval()).add(rate.burst()).add(call.cost()));
    RateStatus status = status(reply, rate, call);
    return status.admitted()
        ? new Decision.Admitted(status, Reservation.NONE)
        : new Decision.RateLimited(status);
  }

  /** Both scripts reply first whether the rate permits the call, and when the bucket is full. */
  private RateStatus status(long[] reply, Rate rate, Call call) {
    local.learn(call.caller(), reply[1]);
    return rate.status(reply[0] == 1, reply[1], 0, call.cost());
  }

  @Override
  public long extend(Reservation reservation, long characters) {
    Reservation now = open.get(reservation.id());
    if (now == null) {
      return local.extend(reservation, characters);
    }
    try {
      long more = redis.run(extension(now, characters))[0];
      Units all = now.units().withCharacters(now.units().streamedCharacters() + more);
      open.replace(now.id(), new Reservation(now.caller(), now.plan(), now.id(), all));
      return more;
    } catch (Unavailable outage) {
      // The quota left is unknown. A stream that has begun is bounded by its longest duration.
      return characters;
    }
  }

  private Script.Call extension(Reservation now, long characters) {
    Script.Call extension = call(Script.EXTEND, now).add(lifetime.toMillis());
    return add(extension, now.units()).add(characters);
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
    redis.runLater(add(call(Script.SETTLE, reservation), used));
  }

  @Override
  public Usage usage(String caller, Plan plan) throws Unavailable {
    long[] reply;
    try {
      reply = redis.run(call(Script.USAGE, caller, plan, null));
    } catch (Unavailable outage) {
      if (onLoss == OnRedisLoss.DENY) {
        throw outage;
      }
      return local.usage(caller, plan);
    }
    Rate rate = Rate.of(plan);
    Windows now = Windows.at(reply[1]);
    List<Window> windows =
        now.of(plan, (meter, month) -> reply[2 + QuotaCounter.index(meter, month)]);
    return new Usage(rate.isOff() ? null : rate.status(true, reply[0], 0, 0), windows);
  }

  private Duration renew() {
    for (Reservation reservation : open.values()) {
      redis.submit(extension(reservation, 0));
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
