package luki.gateway.limit;

import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import luki.gateway.observe.Periodic;

/**
 * Ends the wait for replies that do not come in time. One task checks all calls: a timer for each
 * call costs more than the call.
 */
final class ReplyTimeouts implements AutoCloseable {
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(4);

  /** All calls have the same time limit, so they are in the order of their deadlines. */
  private final ConcurrentLinkedQueue<Script.Call> waiting = new ConcurrentLinkedQueue<>();

  private final Consumer<Exception> onTimeout;
  private final Periodic checks;
  private volatile boolean closed;

  ReplyTimeouts(Consumer<Exception> onTimeout) {
    this.onTimeout = onTimeout;
    this.checks = new Periodic("redis-timeouts", this::check);
  }

  void watch(Script.Call call) {
    waiting.add(call);
    if (closed) {
      cancel(call);
    }
  }

  private Duration check() {
    long now = System.nanoTime();
    for (Script.Call first = waiting.peek(); first != null; first = waiting.peek()) {
      if (!first.reply().isDone() && first.expiresAt() - now > 0) {
        break;
      }
      Script.Call _ = waiting.poll();
      TimeoutException timeout = new TimeoutException("Redis did not reply");
      if (!first.reply().isDone() && first.reply().completeExceptionally(timeout)) {
        onTimeout.accept(timeout);
      }
    }
    return CHECK_INTERVAL;
  }

  private static void cancel(Script.Call call) {
    call.reply().completeExceptionally(new IllegalStateException("shutting down"));
  }

  @Override
  public void close() {
    closed = true;
    checks.close();
    waiting.forEach(ReplyTimeouts::cancel);
  }
}
