package luki.gateway.limit;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Units;
import org.jspecify.annotations.Nullable;

/** For one instance: exact, and lost with the process. */
public final class MemoryLimiter implements Limiter {
  /** Callers that are remembered, in some 100 MB. */
  static final int MAX = 1_000_000;

  /** Callers with a quota: some 200 bytes each. */
  private static final int MAX_WITH_QUOTAS = 250_000;

  private static final Duration SWEEP = Duration.ofSeconds(30);

  private final LongSupplier clock;
  private final int instances;
  private final Buckets buckets = new Buckets(MAX);
  private final ConcurrentHashMap<Long, QuotaCount> counts = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private final ScheduledFuture<?> sweeper;

  /**
   * Makes one.
   *
   * @param micros the time, in microseconds since 1970
   * @param instances that share each limit; 1 for a gateway by itself
   */
  public MemoryLimiter(LongSupplier micros, int instances, ScheduledExecutorService timer) {
    this.clock = micros;
    this.instances = instances;
    this.sweeper =
        timer.scheduleWithFixedDelay(
            this::sweep, SWEEP.toMillis(), SWEEP.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static long numberOf(String caller) {
    return Long.parseUnsignedLong(caller, 16);
  }

  private Rate rateOf(Plan plan) {
    return Rate.of(plan).shared(instances);
  }

  @Override
  public Verdict admit(Demand demand) {
    long now = clock.getAsLong();
    long caller = numberOf(demand.caller());
    RateStatus rate = buckets.take(caller, rateOf(demand.plan()), now, demand.cost());
    if (!rate.admitted()) {
      return new Verdict.RateLimited(rate);
    }
    if (demand.isUnbounded()) {
      return new Verdict.Admitted(rate, Reservation.NOTHING);
    }
    if (counts.size() >= MAX_WITH_QUOTAS && !counts.containsKey(caller)) {
      // Nobody knows what a newcomer has used.
      return new Verdict.Unavailable();
    }
    return hold(demand, caller, rate, now);
  }

  private Verdict hold(Demand demand, long caller, RateStatus rate, long micros) {
    Windows now = Windows.at(micros);
    String id = Long.toString(ids.incrementAndGet());
    Plan part = demand.plan().shared(instances);
    AtomicReference<QuotaCount.@Nullable QuotaExceeded> usedUp = new AtomicReference<>();
    // In one step with the look for it: the sweeper must not take it away in between.
    QuotaCount count =
        counts.compute(
            caller,
            (_, known) -> {
              QuotaCount its = known == null ? new QuotaCount() : known;
              usedUp.set(its.hold(id, part, demand.wanted(), now));
              return its;
            });
    QuotaCount.QuotaExceeded over = usedUp.get();
    return over == null
        ? new Verdict.Admitted(rate, new Reservation(demand.caller(), part, id, count.held(id)))
        : new Verdict.QuotaExceeded(rate, Windows.instant(micros), now.end(over.month()));
  }

  @Override
  public long draw(Reservation hold, long characters) {
    QuotaCount count = hold.isNothing() ? null : counts.get(numberOf(hold.caller()));
    return count == null
        ? characters
        : count.draw(hold.id(), hold.plan(), characters, Windows.at(clock.getAsLong()));
  }

  @Override
  public void settle(Reservation hold, Units used) {
    QuotaCount count = hold.isNothing() ? null : counts.get(numberOf(hold.caller()));
    if (count != null) {
      count.settle(hold.id(), used, Windows.at(clock.getAsLong()));
    }
  }

  @Override
  public Usage usage(String caller, Plan plan) {
    long now = clock.getAsLong();
    Rate rate = rateOf(plan);
    QuotaCount count = counts.get(numberOf(caller));
    return new Usage(
        rate.isOff() ? null : buckets.look(numberOf(caller), rate, now),
        (count == null ? new QuotaCount() : count)
            .windows(plan.shared(instances), Windows.at(now)));
  }

  /** Lets callers leave that nothing needs to be known of any more. */
  void sweep() {
    long now = clock.getAsLong();
    buckets.sweep(now);
    Windows windows = Windows.at(now);
    for (Long caller : counts.keySet()) {
      counts.computeIfPresent(caller, (_, count) -> count.isOver(windows) ? null : count);
    }
  }

  int callers() {
    return buckets.size();
  }

  @Override
  public void close() {
    sweeper.cancel(false);
  }
}
