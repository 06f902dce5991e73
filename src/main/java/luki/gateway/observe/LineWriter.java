package luki.gateway.observe;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.LongAdder;

/**
 * Writes lines from a bounded queue. No request waits for it or wakes it: it looks by itself every
 * few milliseconds, and what does not fit is counted and dropped.
 */
public final class LineWriter implements AutoCloseable {
  private static final int CAPACITY = 16_384;
  private static final Duration PAUSE = Duration.ofMillis(20);

  private final ArrayBlockingQueue<byte[]> queue = new ArrayBlockingQueue<>(CAPACITY);
  private final LongAdder dropped = new LongAdder();
  private final OutputStream out;
  private final Thread writer;
  private volatile boolean closing;

  public LineWriter(OutputStream out) {
    this.out = out;
    // A platform thread: a blocked stdout must not hold one of the carriers.
    this.writer = Thread.ofPlatform().daemon().name("access-log").start(this::run);
  }

  /** Takes the line, which ends with its line break, or drops it. */
  public void write(byte[] line) {
    if (!queue.offer(line)) {
      dropped.increment();
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
        out.write(line);
        lines++;
      }
      if (lines > 0) {
        out.flush();
      }
    } catch (IOException gone) {
      // The line being written is lost; the gateway serves on without a log.
      dropped.increment();
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
