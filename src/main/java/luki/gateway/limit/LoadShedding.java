package luki.gateway.limit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.Periodic;
import org.jspecify.annotations.Nullable;

/**
 * Refuses a share of the new requests while work that is ready waits too long for a processor. The
 * share follows that wait and its growth, as the probability of a drop does in PIE (RFC 8033 §4.2;
 * ADR 5).
 */
public final class LoadShedding implements AutoCloseable {
  private static final Duration PROBE = Duration.ofMillis(10);
  // While nothing is in flight, nothing is refused, or there is no longest wait.
  private static final Duration IDLE = Duration.ofMillis(100);
  private static final long INTERVAL_NANOS = 50_000_000;
  // What one interval adds to the share for a second of wait too much, and for a second of growth.
  private static final double EXCESS = 0.25;
  private static final double GROWTH = 1;
  // Below this share a quarter of that: a pause of the garbage collector is no overload.
  private static final double SMALL = 0.01;
  private static final double MAX_SHARE = 0.95;
  private static final double DECAY = 0.95;
  // Streams last, so that they give way first.
  private static final int STREAM_WEIGHT = 4;

  /** So many requests in flight are always admitted: fewer make no queue. */
  static final int FLOOR = 64 * Runtime.getRuntime().availableProcessors();

  private final AtomicInteger inFlight = new AtomicInteger();
  private volatile double maxWait;
  private volatile double share;
  private volatile double lastWait;
  private volatile long sent;
  private volatile boolean isSent;
  private long due = System.nanoTime();
  private long begun = System.nanoTime();
  private double sum;
  private double previous;
  private int probes;
  private int peak;
  private @Nullable Pipe probe;
  private @Nullable Periodic watch;

  /**
   * Refuses nothing at first.
   *
   * @param maxWait longest wait for a processor; zero: any
   */
  public LoadShedding(Duration maxWait) {
    use(maxWait);
  }

  /** Uses another longest wait from now on. */
  public void use(Duration longest) {
    maxWait = longest.toNanos() / 1e9;
  }

  /** Measures from now on. */
  public void start(Metrics metrics) {
    metrics.watch(
        "luki_gateway_admission_refused_ratio",
        "Share of the new requests that is refused since ready work waits too long for a processor",
        () -> share);
    metrics.watch(
        "luki_gateway_queue_delay_seconds",
        "Mean wait of ready work for a processor within the last twentieth of a second",
        () -> lastWait);
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
      isSent = true;
      try {
        int _ = sink.write(ByteBuffer.allocate(1));
      } catch (IOException closed) {
        return Periodic.NEVER;
      }
    } else if (now - sent > INTERVAL_NANOS) {
      // Not less than that, and it may never come.
      waited(now - sent, now);
    }
    boolean idle = inFlight.get() == 0 || maxWait == 0;
    Duration pause = idle && share == 0 ? IDLE : PROBE;
    due = now + pause.toNanos();
    return pause;
  }

  private void receive(Pipe.SourceChannel source) {
    ByteBuffer one = ByteBuffer.allocate(1);
    try {
      while (source.read(one.clear()) > 0) {
        long now = System.nanoTime();
        waited(now - sent, now);
        isSent = false;
      }
    } catch (IOException closed) {
      // There is nothing more to measure.
    }
  }

  /**
   * Counts a request whose reply has not begun, and says whether it is admitted; {@link #end} must
   * follow in either case.
   */
  public boolean begin(boolean stream) {
    int now = inFlight.incrementAndGet();
    double refused = share;
    return refused == 0
        || now <= FLOOR
        || ThreadLocalRandom.current().nextDouble() >= (stream ? STREAM_WEIGHT : 1) * refused;
  }

  /** Its reply has begun, or is complete. */
  public void end() {
    inFlight.decrementAndGet();
  }

  double share() {
    return share;
  }

  /** Work that was ready waited so long for a processor until now. */
  synchronized void waited(long nanos, long now) {
    sum += nanos / 1e9;
    peak = Math.max(peak, inFlight.get());
    probes++;
    if (now - begun >= INTERVAL_NANOS) {
      // A queue that few requests cannot have made is no reason to refuse some.
      double wait = peak <= FLOOR || maxWait == 0 ? 0 : sum / probes;
      share = shareAfter(wait);
      previous = wait;
      lastWait = sum / probes;
      sum = 0;
      probes = 0;
      peak = 0;
      begun = now;
    }
  }

  private double shareAfter(double wait) {
    double change = EXCESS * (wait - maxWait) + GROWTH * (wait - previous);
    double old = share;
    double next = Math.clamp(old + (old < SMALL ? change / 4 : change), 0, MAX_SHARE);
    if (wait < maxWait / 4) {
      next *= DECAY;
    }
    return maxWait == 0 ? 0 : next;
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
