package luki.gateway.limit;

import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Ends the waiting for answers that do not come. One thread watches over everybody's deadline: a
 * timer for each call costs more than the call.
 */
final class ReplyTimeouts implements AutoCloseable {
  private static final Duration LOOK = Duration.ofMillis(4);

  private final ConcurrentLinkedQueue<Asked> waitedFor = new ConcurrentLinkedQueue<>();
  private final Consumer<Exception> late;
  private final Thread thread;
  private volatile boolean closed;

  /**
   * Begins to watch.
   *
   * @param late told of each that came too late
   */
  ReplyTimeouts(Consumer<Exception> late) {
    this.late = late;
    this.thread = Thread.ofVirtual().name("redis-deadlines").start(this::run);
  }

  /** All have the same time, so they are in the order of their deadlines. */
  void watch(Asked call) {
    waitedFor.add(call);
    if (closed) {
      end(call);
    }
  }

  private void run() {
    try {
      while (!closed) {
        Thread.sleep(LOOK);
        look(System.nanoTime());
      }
    } catch (InterruptedException stopped) {
      // close() was called.
    } finally {
      closed = true;
      waitedFor.forEach(ReplyTimeouts::end);
    }
  }

  private void look(long now) {
    for (Asked first = waitedFor.peek(); first != null; first = waitedFor.peek()) {
      if (!first.answer().isDone() && first.givenUpAt() - now > 0) {
        return;
      }
      Asked _ = waitedFor.poll();
      TimeoutException silent = new TimeoutException("Redis did not answer");
      if (!first.answer().isDone() && first.answer().completeExceptionally(silent)) {
        late.accept(silent);
      }
    }
  }

  private static void end(Asked call) {
    call.answer().completeExceptionally(new IllegalStateException("the gateway stops"));
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
