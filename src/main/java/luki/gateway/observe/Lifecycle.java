package luki.gateway.observe;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.http.Deadline;

/** Whether new requests are accepted, and how many are in flight. */
public final class Lifecycle {
  private static final Duration INTERVAL = Duration.ofMillis(10);

  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicReference<Phase> phase = new AtomicReference<>(Phase.STARTING);
  private volatile boolean graceOver;

  /** Of a process. */
  public enum Phase {
    STARTING,
    SERVING,
    /** Not ready any more, but requests are still accepted: balancers have yet to notice. */
    LEAVING,
    DRAINING
  }

  public Phase phase() {
    return phase.get();
  }

  public boolean isReady() {
    return phase() == Phase.SERVING;
  }

  /** Ends the start; a process that drains already goes on with that. */
  public void serving() {
    boolean _ = phase.compareAndSet(Phase.STARTING, Phase.SERVING);
  }

  public boolean isEnding() {
    return phase().compareTo(Phase.LEAVING) >= 0;
  }

  /** From now on not ready; returns after the delay, until which requests are still accepted. */
  public void leave(Duration delay) throws InterruptedException {
    phase.set(Phase.LEAVING);
    Thread.sleep(delay);
  }

  /** From now on new requests are refused; those in flight go on. */
  public void draining() {
    phase.set(Phase.DRAINING);
  }

  /** From now on streams end themselves. */
  public void endStreams() {
    graceOver = true;
  }

  public boolean streamsMustEnd() {
    return graceOver;
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

  /** Waits until nothing is in flight; false on a timeout. */
  public boolean awaitIdle(Duration limit) throws InterruptedException {
    Deadline deadline = Deadline.after(limit);
    while (inFlight.get() > 0) {
      if (deadline.hasPassed()) {
        return false;
      }
      Thread.sleep(INTERVAL);
    }
    return true;
  }
}
