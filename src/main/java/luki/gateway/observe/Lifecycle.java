package luki.gateway.observe;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.http.Deadline;

/** Whether new requests are taken, and how many are under way. */
public final class Lifecycle {
  private static final Duration LOOK = Duration.ofMillis(10);

  private final AtomicInteger inFlight = new AtomicInteger();
  private final CountDownLatch graceOver = new CountDownLatch(1);
  private volatile Phase phase = Phase.STARTING;

  /** Of a process. */
  public enum Phase {
    STARTING,
    SERVING,
    DRAINING
  }

  public Phase phase() {
    return phase;
  }

  public boolean isReady() {
    return phase == Phase.SERVING;
  }

  public void serving() {
    phase = Phase.SERVING;
  }

  /** From now on new requests are refused; those under way go on. */
  public void draining() {
    phase = Phase.DRAINING;
  }

  /** From now on streams end themselves. */
  public void endStreams() {
    graceOver.countDown();
  }

  public boolean streamsMustEnd() {
    return graceOver.getCount() == 0;
  }

  public int begin() {
    return inFlight.incrementAndGet();
  }

  public void end() {
    inFlight.decrementAndGet();
  }

  public int inFlight() {
    return inFlight.get();
  }

  /** Waits until nothing is under way; false when the time ran out before. */
  public boolean awaitIdle(Duration most) throws InterruptedException {
    Deadline deadline = Deadline.after(most);
    while (inFlight.get() > 0) {
      if (deadline.hasPassed()) {
        return false;
      }
      TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
    }
    return true;
  }
}
