package luki.gateway.observe;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/**
 * A bounded queue and the platform thread that writes it out in batches. The thread checks the
 * queue every few milliseconds by itself, so no caller has to wake it. What does not fit is dropped
 * and counted.
 *
 * @param <T> what is written
 */
public final class QueuedWriter<T> implements AutoCloseable {
  private static final Duration FULL_PAUSE = Duration.ofMillis(1);

  // Without a lock: a request that had to wait for one would be woken by the writer's thread.
  private final ConcurrentLinkedQueue<T> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger();
  private final LongAdder dropped = new LongAdder();
  private final Limits limits;
  private final Sink<T> sink;
  private final FailureLog failures;
  private final Thread thread;
  private volatile boolean closing;
  private volatile long closeBy;

  /**
   * Bounds of a queue.
   *
   * @param capacity items, those of the batch that is being written included
   * @param batch items that are written together at most
   * @param pause between two checks of the queue
   * @param retry pause after which a failed batch is written again; zero: it is dropped
   * @param close longest wait for the rest when the writer is closed
   */
  public record Limits(int capacity, int batch, Duration pause, Duration retry, Duration close) {}

  /** Where batches go. */
  @FunctionalInterface
  public interface Sink<T> {
    /**
     * Writes a batch, on the writer's thread.
     *
     * @throws IOException it could not be written whole
     */
    void write(List<T> batch) throws IOException;
  }

  public QueuedWriter(String name, Limits limits, FailureLog failures, Sink<T> sink) {
    this.limits = limits;
    this.failures = failures;
    this.sink = sink;
    // A platform thread: a slow disk or a blocked stdout must not block a carrier.
    this.thread = Thread.ofPlatform().daemon().name(name).start(this::run);
  }

  /** Takes the item, or drops it when the queue is full. */
  public void add(T item) {
    if (!offer(item)) {
      dropped.increment();
    }
  }

  /** The same, but waits so long for space while writing is slow; not while it fails. */
  public void add(T item, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    while (!offer(item)) {
      if (closing
          || failures.isFailing()
          || System.nanoTime() - end >= 0
          || Thread.currentThread().isInterrupted()) {
        dropped.increment();
        return;
      }
      LockSupport.parkNanos(this, FULL_PAUSE.toNanos());
    }
  }

  /** Takes the item; false where the queue is full. */
  private boolean offer(T item) {
    if (closing) {
      return false;
    }
    if (queued.incrementAndGet() > limits.capacity) {
      queued.decrementAndGet();
      return false;
    }
    queue.add(item);
    return true;
  }

  public long dropped() {
    return dropped.sum();
  }

  private void run() {
    List<T> batch = new ArrayList<>();
    while (!closing || queued.get() > 0) {
      fill(batch);
      Duration pause = limits.retry;
      if (isWritten(batch)) {
        queued.addAndGet(-batch.size());
        pause = batch.size() == limits.batch ? Duration.ZERO : limits.pause;
        batch.clear();
      } else if (closing && System.nanoTime() - closeBy >= 0) {
        return;
      }
      LockSupport.parkNanos(this, pause.toNanos());
    }
  }

  private void fill(List<T> batch) {
    while (batch.size() < limits.batch) {
      T next = queue.poll();
      if (next == null) {
        return;
      }
      batch.add(next);
    }
  }

  private boolean isWritten(List<T> batch) {
    try {
      if (!batch.isEmpty()) {
        sink.write(batch);
        failures.succeeded();
      }
      return true;
    } catch (IOException | RuntimeException failure) {
      failures.failed(Diagnostics.Field.reason(failure));
      if (limits.retry.isZero()) {
        dropped.add(batch.size());
        return true;
      }
      return false;
    }
  }

  /** Writes the rest within the limit, or until interrupted; what is left then is dropped. */
  @Override
  public void close() {
    closeBy = System.nanoTime() + limits.close.toNanos();
    closing = true;
    LockSupport.unpark(thread);
    try {
      boolean _ = thread.join(limits.close);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    int left = queued.get();
    if (left > 0) {
      dropped.add(left);
      failures.lost(left);
    }
  }
}
