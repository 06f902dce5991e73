package luki.gateway.limit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Meter;
import luki.gateway.http.Policy.Units;

/**
 * Counts in Redis, by its clock: one call for all that a caller's request needs, and none to give
 * back what a process held that died.
 */
final class RedisLimiter {
  /** How long the units of a call stay held back that nobody renews: its process has died. */
  static final Duration HOLD = Duration.ofSeconds(15);

  private final RedisLink link;
  private final Supplier<String> clock;
  private final Map<String, Limiter.Reservation> held = new ConcurrentHashMap<>();
  private final Duration life;
  private final ScheduledFuture<?> renewing;

  /**
   * Makes one.
   *
   * @param clock microseconds, or an empty text for the server's own time
   * @param life of a hold that nobody renews
   */
  RedisLimiter(
      RedisLink link, Supplier<String> clock, Duration life, ScheduledExecutorService timer) {
    this.link = link;
    this.clock = clock;
    this.life = life;
    long renewal = life.dividedBy(3).toMillis();
    this.renewing =
        timer.scheduleWithFixedDelay(this::renew, renewal, renewal, TimeUnit.MILLISECONDS);
  }

  private static List<String> keys(String caller) {
    return List.of("luki:{" + caller + "}:used", "luki:{" + caller + "}:held", bucket(caller));
  }

  private static List<String> keys(Limiter.Reservation hold) {
    List<String> keys = new ArrayList<>(keys(hold.caller()));
    keys.add("luki:{" + hold.caller() + "}:done:" + hold.id());
    return keys;
  }

  /** The braces are the hash tag: all keys of a caller live on one node of a cluster. */
  private static String bucket(String caller) {
    return "luki:{" + caller + "}:rate";
  }

  private List<String> arguments(Plan plan, Object... more) {
    List<String> arguments = new ArrayList<>(8 + more.length);
    arguments.add(clock.get());
    for (Meter meter : Meter.values()) {
      arguments.add(Long.toString(plan.bound(meter, false)));
      arguments.add(Long.toString(plan.bound(meter, true)));
    }
    for (Object one : more) {
      arguments.add(one.toString());
    }
    return arguments;
  }

  private static long number(Object answer, int index) {
    return (Long) ((List<?>) answer).get(index);
  }

  Limiter.Verdict admit(Limiter.Demand demand) throws Limiter.Unavailable {
    Plan plan = demand.plan();
    Rate rate = Rate.of(plan);
    if (demand.isUnbounded()) {
      return rate.isOff()
          ? new Limiter.Verdict.Admitted(RateStatus.UNLIMITED, Limiter.Reservation.NOTHING)
          : byRate(demand, rate);
    }
    String id = UUID.randomUUID().toString();
    Units wanted = demand.wanted();
    Object answer =
        link.run(
            Script.ADMIT,
            keys(demand.caller()),
            arguments(
                plan,
                rate.interval(),
                rate.burst(),
                demand.cost(),
                id,
                life.toMillis(),
                wanted.requests(),
                wanted.chatMessages(),
                wanted.streamedCharacters()));
    boolean admitted = number(answer, 0) == 1;
    RateStatus standing = rate.standing(admitted, number(answer, 1), 0, demand.cost());
    if (!admitted) {
      return new Limiter.Verdict.RateLimited(standing);
    }
    if (number(answer, 2) > 0) {
      long now = number(answer, 4);
      return new Limiter.Verdict.QuotaExceeded(
          standing, Windows.instant(now), Windows.at(now).end(number(answer, 3) == 2));
    }
    return new Limiter.Verdict.Admitted(standing, held(demand, id, number(answer, 5)));
  }

  private Limiter.Verdict byRate(Limiter.Demand demand, Rate rate) throws Limiter.Unavailable {
    Object answer =
        link.run(
            Script.RATE,
            List.of(bucket(demand.caller())),
            List.of(
                clock.get(),
                Long.toString(rate.interval()),
                Long.toString(rate.burst()),
                Integer.toString(demand.cost())));
    boolean admitted = number(answer, 0) == 1;
    RateStatus standing = rate.standing(admitted, number(answer, 1), 0, demand.cost());
    return admitted
        ? new Limiter.Verdict.Admitted(standing, Limiter.Reservation.NOTHING)
        : new Limiter.Verdict.RateLimited(standing);
  }

  private Limiter.Reservation held(Limiter.Demand demand, String id, long characters) {
    Limiter.Reservation hold =
        new Limiter.Reservation(
            demand.caller(), demand.plan(), id, demand.units().withCharacters(characters));
    held.put(id, hold);
    return hold;
  }

  /** Whether a hold was given by this limiter and is not settled. */
  boolean holds(Limiter.Reservation hold) {
    return held.containsKey(hold.id());
  }

  long draw(Limiter.Reservation hold, long characters) throws Limiter.Unavailable {
    Limiter.Reservation now = held.getOrDefault(hold.id(), hold);
    Object answer = link.run(Script.DRAW, keys(hold), drawn(now, characters));
    long more = (Long) answer;
    long all = now.units().streamedCharacters() + more;
    held.computeIfPresent(
        hold.id(),
        (_, old) ->
            new Limiter.Reservation(
                old.caller(), old.plan(), old.id(), old.units().withCharacters(all)));
    return more;
  }

  private List<String> drawn(Limiter.Reservation hold, long characters) {
    return arguments(
        hold.plan(),
        hold.id(),
        life.toMillis(),
        hold.units().requests(),
        hold.units().chatMessages(),
        hold.units().streamedCharacters(),
        characters);
  }

  void settle(Limiter.Reservation hold, Units used) {
    held.remove(hold.id());
    link.runLater(
        Script.SETTLE,
        keys(hold),
        arguments(
            hold.plan(),
            hold.id(),
            used.requests(),
            used.chatMessages(),
            used.streamedCharacters()));
  }

  Limiter.Usage usage(String caller, Plan plan) throws Limiter.Unavailable {
    Object answer = link.run(Script.USAGE, keys(caller), arguments(plan));
    Rate rate = Rate.of(plan);
    Windows now = Windows.at(number(answer, 1));
    List<Limiter.Window> windows =
        now.of(plan, (meter, month) -> number(answer, 2 + QuotaCount.index(meter, month)));
    RateStatus standing = rate.standing(true, number(answer, 0), 0, 0);
    return new Limiter.Usage(rate.isOff() ? null : standing, windows);
  }

  /** Calls that take longer than a hold lives keep theirs; those of a dead process do not. */
  private void renew() {
    if (!link.isAway()) {
      for (Limiter.Reservation hold : held.values()) {
        link.runLater(Script.DRAW, keys(hold), drawn(hold, 0));
      }
    }
  }

  void close() {
    renewing.cancel(false);
  }
}
