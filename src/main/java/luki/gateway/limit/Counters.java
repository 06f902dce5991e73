package luki.gateway.limit;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import luki.gateway.config.Settings;
import luki.gateway.upstream.ServiceState;
import org.jspecify.annotations.Nullable;

/** All that is counted, in memory or in Redis, as the settings say. */
public final class Counters implements AutoCloseable {
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final Limiter limiter;
  private final @Nullable SharedLimiter shared;
  private final GlobalLimit global;
  private final AuthFailures failures;
  private final ScheduledFuture<?> housekeeping;

  public Counters(
      Settings settings, Duration redisDeadline, Clock clock, ScheduledExecutorService timer) {
    LongSupplier micros = () -> ChronoUnit.MICROS.between(Instant.EPOCH, clock.instant());
    Settings.RateLimits rates = settings.rates();
    Settings.Redis redis = settings.redis();
    this.shared =
        redis == null
            ? null
            : new SharedLimiter(
                redis.addresses(),
                redisDeadline,
                rates.onRedisLoss(),
                rates.replicas(),
                micros,
                timer);
    this.limiter = shared == null ? new MemoryLimiter(micros, 1, timer) : shared;
    this.global =
        shared == null
            ? GlobalLimit.inMemory(rates.globalPerMinute(), micros)
            : GlobalLimit.shared(
                rates.globalPerMinute(), shared, rates.onRedisLoss(), rates.replicas(), micros);
    this.failures = new AuthFailures(rates.authFailuresPerMinute(), shared, micros);
    this.housekeeping =
        timer.scheduleWithFixedDelay(
            this::keepHouse, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void keepHouse() {
    global.returnUnused();
    failures.sweep();
  }

  /** Connects, where there is anything to connect to. */
  public void start() {
    if (shared != null) {
      shared.start();
    }
  }

  public Limiter limiter() {
    return limiter;
  }

  public GlobalLimit global() {
    return global;
  }

  public AuthFailures failures() {
    return failures;
  }

  public ServiceState redis() {
    return shared == null
        ? ServiceState.NOT_CONFIGURED
        : shared.isDegraded() ? ServiceState.DOWN : ServiceState.UP;
  }

  @Override
  public void close() {
    housekeeping.cancel(false);
    limiter.close();
  }
}
