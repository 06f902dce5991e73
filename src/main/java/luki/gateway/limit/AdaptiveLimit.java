package luki.gateway.limit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Periodic;
import org.jspecify.annotations.Nullable;

/**
 * A limit on the requests whose reply has not begun. It follows how long work that is ready waits
 * for a processor: a wait that never ends within an interval is a queue that does not drain (RFC
 * 8289 §4). The limit then falls, and it rises by a quarter while it is reached and there is no
 * such queue (ADR 5).
 */
public final class AdaptiveLimit implements AutoCloseable {
  private static final Duration PROBE = Duration.ofMillis(10);
  // Without a limit, while nothing is in flight or there is no longest wait.
  private static final Duration IDLE = Duration.ofMillis(250);
  private static final long INTERVAL_NANOS = 100_000_000;
  // One alone may have met a pause of the garbage collector.
  private static final int MIN_PROBES = 2;
  // Intervals without a queue after which the limit is lifted: five seconds.
  private static final int CALM = 50;
  private static final int UNLIMITED = Integer.MAX_VALUE;

  /** Fewer do not make a queue that is worth a refusal. */
  static final int FLOOR = 64 * Runtime.getRuntime().availableProcessors();

  private final AtomicInteger inFlight = new AtomicInteger();
  private volatile long maxWaitNanos;
  private volatile int limit = UNLIMITED;
  private volatile long lastWaitNanos;
  private volatile long sent;
  // Until when the wait of the byte in the pipe is recorded already: at first when it was sent.
  private volatile long counted;
  private volatile boolean isSent;
  private long due = System.nanoTime();
  private long leastWaitNanos = Long.MAX_VALUE;
  private long begun = System.nanoTime();
  private int peak;
  private int probes;
  private int calm;
  private @Nullable Pipe probe;
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
    try {
      probe = Pipe.open();
    } catch (IOException noDescriptors) {
      throw new UncheckedIOException(noDescriptors);
    }
    Pipe.SourceChannel source = probe.source();
    Thread.ofVirtual().name("admission-probe").start(() -> receive(source));
    Pipe.SinkChannel sink = probe.sink();
    watch = new Periodic("admission", () -> send(sink));
  }

  /** A byte through a pipe: its reader becomes ready as one does whose socket can be read. */
  private Duration send(Pipe.SinkChannel sink) {
    long now = System.nanoTime();
    if (!isSent) {
      // This thread may be late itself.
      sent = Math.min(now, due);
      counted = sent;
      isSent = true;
      try {
        int _ = sink.write(ByteBuffer.allocate(1));
      } catch (IOException closed) {
        return Periodic.NEVER;
      }
    } else if (now - counted > INTERVAL_NANOS) {
      // Not less than that, and it may never come.
      counted = now;
      waited(now - sent, now);
    }
    boolean idle = inFlight.get() == 0 || maxWaitNanos == 0;
    Duration pause = idle && limit == UNLIMITED ? IDLE : PROBE;
    due = now + pause.toNanos();
    return pause;
  }

  private void receive(Pipe.SourceChannel source) {
    ByteBuffer one = ByteBuffer.allocate(1);
    try {
      while (source.read(one.clear()) > 0) {
        long now = System.nanoTime();
        if (counted == sent) {
          waited(now - sent, now);
        }
        isSent = false;
      }
    } catch (IOException closed) {
      // There is nothing more to measure.
    }
  }

  /** Counts a request whose reply has not begun; {@link #end} must follow, also after false. */
  public boolean begin(boolean stream) {
    int now = inFlight.incrementAndGet();
    // While there is a limit, short requests come before streams, which last.
    return now <= (stream && limit != UNLIMITED ? Math.max(FLOOR, limit / 2) : limit);
  }

  /** Its reply has begun, or is complete. */
  public void end() {
    inFlight.decrementAndGet();
  }

  int limit() {
    return limit;
  }

  /** Work that was ready waited so long for a processor until now. */
  synchronized void waited(long nanos, long now) {
    leastWaitNanos = Math.min(leastWaitNanos, nanos);
    peak = Math.max(peak, inFlight.get());
    probes++;
    if (probes >= MIN_PROBES && now - begun >= INTERVAL_NANOS) {
      limit = adapted();
      lastWaitNanos = leastWaitNanos;
      leastWaitNanos = Long.MAX_VALUE;
      peak = 0;
      probes = 0;
      begun = now;
    }
  }

  private int adapted() {
    int now = limit;
    if (maxWaitNanos == 0) {
      calm = 0;
      return UNLIMITED;
    }
    if (leastWaitNanos > maxWaitNanos) {
      if (peak <= FLOOR) {
        return now;
      }
      calm = 0;
      if (inFlight.get() > now) {
        // No new request is admitted already, and a lower limit would end none of those in flight.
        return now;
      }
      // Refusals wait as well: a limit that few requests reach is not what makes the queue.
      long used = now == UNLIMITED ? peak : Math.min(now, 2L * peak);
      double part = Math.clamp((double) maxWaitNanos / leastWaitNanos, 0.5, 0.8);
      return Math.max(FLOOR, (int) (used * part));
    }
    calm++;
    if (calm >= CALM) {
      return UNLIMITED;
    }
    // One that is not reached says nothing about a higher one.
    return now == UNLIMITED || peak < now - now / 4 ? now : now + now / 4;
  }

  @Override
  public void close() {
    if (watch != null && probe != null) {
      watch.close();
      try {
        probe.sink().close();
        probe.source().close();
      } catch (IOException closed) {
        // Nobody reads it any more.
      }
    }
  }
}
