package luki.gateway.limit;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.function.LongSupplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Plan;
import luki.gateway.config.Settings;
import luki.gateway.http.Policy.Units;
import luki.gateway.idempotency.MemoryReplies;
import luki.gateway.idempotency.ReplyStore;
import luki.gateway.observe.Periodic;
import luki.gateway.ticket.Tickets;
import luki.gateway.upstream.Upstreams.ServiceState;
import org.jspecify.annotations.Nullable;

/** All limits, counted in memory or in Redis as the settings say. */
public final class Limiters implements AutoCloseable {
  private static final Duration INTERVAL = Duration.ofSeconds(1);

  private static final String NO_CALLER = "0".repeat(16);

  private final Settings.OnRedisLoss onLoss;
  private final @Nullable RedisExecutor redis;
  private final Limiter limiter;
  private final GlobalLimit global;
  private final AuthFailures authFailures;
  private final Periodic housekeeping;

  public Limiters(Settings settings, GatewayFile file, Clock clock) {
    LongSupplier micros = () -> ChronoUnit.MICROS.between(Instant.EPOCH, clock.instant());
    Settings.RateLimits limits = settings.rates();
    this.onLoss = limits.onRedisLoss();
    Settings.Redis shared = settings.redis();
    if (shared == null) {
      this.redis = null;
      this.limiter = new MemoryLimiter(micros, 1);
    } else {
      this.redis = new RedisExecutor(shared.addresses(), file.redisDeadline(), onLoss);
      this.limiter =
          new RedisLimiter(
              redis,
              new MemoryLimiter(micros, limits.replicas()),
              onLoss,
              () -> "",
              RedisLimiter.LIFETIME);
    }
    this.global = new GlobalLimit(limits, redis, micros);
    this.authFailures = new AuthFailures(limits.authFailuresPerMinute(), redis, micros);
    this.housekeeping =
        new Periodic(
            "limits",
            () -> {
              global.returnUnused();
              authFailures.sweep();
              return INTERVAL;
            });
  }

  /**
   * Connects to Redis, if it is used.
   *
   * @param any for a call that warms up
   */
  public void start(Plan any) {
    if (redis != null) {
      redis.warmUp();
      // Loads the classes that a call needs, and its script once more on the whole path.
      Limiter.Decision _ = limiter.admit(new Limiter.Call(NO_CALLER, any, 1, Units.NONE, false));
    }
  }

  /** Where the replies to requests with a key are kept: here, or in Redis. */
  public ReplyStore replies(MemoryReplies local) {
    return redis == null ? local : new RedisReplies(redis, local, onLoss, RedisLimiter.LIFETIME);
  }

  /** Where tickets are kept: here, or in Redis. */
  public Tickets.Store tickets(Tickets.Store local) {
    return redis == null ? local : new RedisTickets(redis);
  }

  public Limiter limiter() {
    return limiter;
  }

  public GlobalLimit global() {
    return global;
  }

  public AuthFailures authFailures() {
    return authFailures;
  }

  /** Whether calls can be admitted at all. */
  public boolean isReady() {
    return redis == null || redis.isPartlyAvailable() || onLoss != Settings.OnRedisLoss.DENY;
  }

  /** Redis is unavailable for some callers, so limits are less exact, or not enforced. */
  public boolean isDegraded() {
    return redis != null && !redis.isAvailable();
  }

  public ServiceState redisState() {
    return redis == null
        ? ServiceState.NOT_CONFIGURED
        : isDegraded() ? ServiceState.DOWN : ServiceState.UP;
  }

  @Override
  public void close() {
    housekeeping.close();
    limiter.close();
  }
}
