package luki.gateway.observe;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Writes lines from a bounded queue. No request waits for it or wakes it: it looks by itself every
 * few milliseconds, and what does not fit is counted and dropped.
 */
public final class LineWriter implements AutoCloseable {
  private static final int CAPACITY = 16_384;
  private static final int BUFFER = 64 * 1024;
  private static final Duration PAUSE = Duration.ofMillis(20);

  // Without a lock: a request that had to wait for one would be woken by the writer's thread.
  private final ConcurrentLinkedQueue<byte[]> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger();
  private final LongAdder dropped = new LongAdder();
  private final BufferedOutputStream out;
  private final Thread writer;
  private volatile boolean closing;

  public LineWriter(OutputStream out) {
    this.out = new BufferedOutputStream(out, BUFFER);
    // A platform thread: a blocked stdout must not hold one of the carriers.
    this.writer = Thread.ofPlatform().daemon().name("access-log").start(this::run);
  }

  /** Takes the line, which ends with its line break, or drops it. */
  public void write(byte[] line) {
    if (queued.incrementAndGet() > CAPACITY) {
      queued.decrementAndGet();
      dropped.increment();
    } else {
      queue.add(line);
    }
  }

  public long dropped() {
    return dropped.sum();
  }

  private void run() {
    try {
      while (!closing || !queue.isEmpty()) {
        drain();
        Thread.sleep(PAUSE);
      }
    } catch (InterruptedException closed) {
      drain();
    }
  }

  private void drain() {
    int lines = 0;
    try {
      for (byte[] line = queue.poll(); line != null; line = queue.poll()) {
        lines++;
        queued.decrementAndGet();
        out.write(line);
      }
      if (lines > 0) {
        out.flush();
      }
    } catch (IOException gone) {
      // What was buffered may be lost too; the gateway serves on without a log.
      dropped.add(Math.max(1, lines));
    }
  }

  /** Writes what is left, for at most a second. */
  @Override
  public void close() {
    closing = true;
    try {
      writer.join(Duration.ofSeconds(1));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
