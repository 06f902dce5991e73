package luki.gateway.limit;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Periodic;
import org.jspecify.annotations.Nullable;

/**
 * A limit on the requests whose reply has not begun. It follows how long work that is ready waits
 * for a processor: a wait that never ends within an interval is a queue that does not drain (RFC
 * 8289 §4). The limit then falls by a fifth at a time, and it rises by an eighth while there is no
 * such queue (ADR 5).
 */
public final class AdaptiveLimit implements AutoCloseable {
  private static final Duration PROBE = Duration.ofMillis(10);
  // Without a limit, while nothing is in flight or there is no longest wait.
  private static final Duration IDLE = Duration.ofMillis(250);
  private static final int PROBES = 10;
  private static final int UNLIMITED = Integer.MAX_VALUE;

  /** Fewer do not make a queue that is worth a refusal. */
  static final int FLOOR = 32 * Runtime.getRuntime().availableProcessors();

  private final AtomicInteger inFlight = new AtomicInteger();
  private volatile long maxWaitNanos;
  private volatile int limit = UNLIMITED;
  private volatile long lastWaitNanos;
  private long leastWaitNanos = Long.MAX_VALUE;
  private int peak;
  private int probes;
  private long due = System.nanoTime();
  private @Nullable Periodic watch;

  /**
   * Creates it without a limit.
   *
   * @param maxWait longest wait for a processor; zero: no limit
   */
  public AdaptiveLimit(Duration maxWait) {
    use(maxWait);
  }

  /** Uses another longest wait from now on. */
  public void use(Duration maxWait) {
    maxWaitNanos = maxWait.toNanos();
  }

  /** Measures from now on. */
  public void start(Metrics metrics) {
    metrics.watch(
        "luki_gateway_admission_limit",
        "Requests before their reply that are admitted at once; -1 while there is no limit",
        () -> limit == UNLIMITED ? -1 : limit);
    metrics.watch(
        "luki_gateway_queue_delay_seconds",
        "Least wait of ready work for a processor within the last tenth of a second",
        () -> lastWaitNanos / 1e9);
    watch =
        new Periodic(
            "admission",
            () -> {
              long now = System.nanoTime();
              // This thread was ready at that time, as one is whose socket has become readable.
              waited(Math.max(0, now - due));
              boolean idle = inFlight.get() == 0 || maxWaitNanos == 0;
              Duration pause = idle && limit == UNLIMITED ? IDLE : PROBE;
              due = now + pause.toNanos();
              return pause;
            });
  }

  /** Counts a request whose reply has not begun; {@link #end} must follow, also after false. */
  public boolean begin(boolean stream) {
    int now = inFlight.incrementAndGet();
    // While there is a limit, short requests come before streams, which last.
    return now <= (stream && limit != UNLIMITED ? limit / 2 : limit);
  }

  /** Its reply has begun, or is complete. */
  public void end() {
    inFlight.decrementAndGet();
  }

  int limit() {
    return limit;
  }

  /** Work that was ready waited so long for a processor. */
  void waited(long nanos) {
    leastWaitNanos = Math.min(leastWaitNanos, nanos);
    peak = Math.max(peak, inFlight.get());
    probes++;
    if (probes == PROBES) {
      limit = adapted();
      lastWaitNanos = leastWaitNanos;
      leastWaitNanos = Long.MAX_VALUE;
      peak = 0;
      probes = 0;
    }
  }

  private int adapted() {
    int now = limit;
    if (maxWaitNanos > 0 && leastWaitNanos > maxWaitNanos) {
      return Math.max(FLOOR, (int) (Math.min(now, peak) * 0.8));
    }
    // Far above what is there it is none.
    return now > 2L * Math.max(peak, FLOOR * 8) ? UNLIMITED : now + now / 8;
  }

  @Override
  public void close() {
    if (watch != null) {
      watch.close();
    }
  }
}
