package luki.gateway.server;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Ends a write that its reader lets wait too long. A virtual thread that is interrupted in a write
 * to a socket closes the socket, which is just what is wanted.
 */
final class WriteLimit {
  private final Duration most;
  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(
          1, Thread.ofPlatform().daemon().name("write-limit").factory());

  WriteLimit(Duration most) {
    this.most = most;
    timer.setRemoveOnCancelPolicy(true);
  }

  /** Writes and flushes, or fails when the time is over. */
  void write(OutputStream out, byte[] bytes) throws IOException {
    Thread writer = Thread.currentThread();
    ScheduledFuture<?> end =
        timer.schedule(writer::interrupt, most.toNanos(), TimeUnit.NANOSECONDS);
    try {
      out.write(bytes);
      out.flush();
    } finally {
      end.cancel(false);
    }
  }

  void close() {
    timer.shutdownNow();
  }
}
