package luki.gateway.limit;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import luki.gateway.config.Plan;
import luki.gateway.http.Policy.Units;
import luki.gateway.limit.QuotaCounter.Windows;
import luki.gateway.observe.Periodic;
import luki.gateway.upstream.Call;
import org.jspecify.annotations.Nullable;

/** Counts in memory, for one instance: exact, and lost with the process. */
public final class MemoryLimiter implements Limiter {
  /** Callers with a bucket: some 100 MB. */
  static final int MAX = 1_000_000;

  /** Callers with a quota: some 200 bytes each. */
  private static final int MAX_WITH_QUOTAS = 250_000;

  private static final Duration SWEEP_INTERVAL = Duration.ofSeconds(30);

  private final LongSupplier clock;
  private final int instances;
  private final TokenBuckets buckets = new TokenBuckets(MAX);
  private final ConcurrentHashMap<Long, QuotaCounter> counters = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private final Periodic sweeper;

  /**
   * Creates a limiter without callers.
   *
   * @param micros the time, in microseconds since 1970
   * @param instances that divide each limit among them; 1 for a single instance
   */
  public MemoryLimiter(LongSupplier micros, int instances) {
    this.clock = micros;
    this.instances = instances;
    this.sweeper = new Periodic("limit-sweeper", this::sweep);
  }

  private static long idOf(String caller) {
    return Long.parseUnsignedLong(caller, 16);
  }

  private Rate rateOf(Plan plan) {
    return Rate.of(plan).shared(instances);
  }

  @Override
  public Decision admit(Call call) {
    long now = clock.getAsLong();
    long caller = idOf(call.caller());
    RateStatus rate = buckets.take(caller, rateOf(call.plan()), now, call.cost());
    if (!rate.admitted()) {
      return new Decision.RateLimited(rate);
    }
    if (call.isUnbounded()) {
      return new Decision.Admitted(rate, Reservation.NONE);
    }
    if (counters.size() >= MAX_WITH_QUOTAS && !counters.containsKey(caller)) {
      // The use of one more caller could not be counted.
      return new Decision.Unavailable();
    }
    String id = Long.toString(ids.incrementAndGet());
    Plan part = call.plan().shared(instances);
    AtomicReference<Decision> decision = new AtomicReference<>(new Decision.Unavailable());
    // Lookup and reservation are one step: the sweeper must not remove the counter in between.
    counters.compute(
        caller,
        (_, known) -> {
          QuotaCounter counter = known == null ? new QuotaCounter() : known;
          decision.set(counter.reserve(call, id, part, rate, now));
          return counter;
        });
    return decision.get();
  }

  /**
   * Takes over what Redis said of a caller. A bucket of a part of the limit is refilled in the same
   * time as the whole one, so that the same part of its units is left.
   */
  void learn(String caller, long microsUntilFull) {
    if (microsUntilFull > 0) {
      buckets.raise(idOf(caller), clock.getAsLong() + microsUntilFull);
    }
  }

  /** Admits this call of a caller of whom Redis has said nothing, but not a whole burst. */
  void learnNothing(Call call) {
    Rate rate = rateOf(call.plan());
    long caller = idOf(call.caller());
    if (!rate.isOff() && !buckets.knows(caller)) {
      long units = rate.burst() - rate.weight(call.cost());
      buckets.raise(caller, clock.getAsLong() + units * rate.interval());
    }
  }

  private @Nullable QuotaCounter counterOf(Reservation reservation) {
    return reservation.isNone() ? null : counters.get(idOf(reservation.caller()));
  }

  @Override
  public long extend(Reservation reservation, long characters) {
    QuotaCounter counter = counterOf(reservation);
    return counter == null
        ? characters
        : counter.extend(
            reservation.id(), reservation.plan(), characters, Windows.at(clock.getAsLong()));
  }

  @Override
  public void settle(Reservation reservation, Units used) {
    QuotaCounter counter = counterOf(reservation);
    if (counter != null) {
      counter.settle(reservation.id(), used, Windows.at(clock.getAsLong()));
    }
  }

  @Override
  public Usage usage(String caller, Plan plan) {
    long now = clock.getAsLong();
    Rate rate = rateOf(plan);
    QuotaCounter counter = counters.getOrDefault(idOf(caller), new QuotaCounter());
    return new Usage(
        rate.isOff() ? null : buckets.status(idOf(caller), rate, now),
        counter.windows(plan.shared(instances), Windows.at(now)));
  }

  /** Removes callers whose state is equal to that of a new caller; returns the time to the next. */
  Duration sweep() {
    long now = clock.getAsLong();
    buckets.sweep(now);
    Windows windows = Windows.at(now);
    for (Long caller : counters.keySet()) {
      counters.computeIfPresent(caller, (_, counter) -> counter.isIdle(windows) ? null : counter);
    }
    return SWEEP_INTERVAL;
  }

  int callers() {
    return buckets.size();
  }

  @Override
  public void close() {
    sweeper.close();
  }
}
