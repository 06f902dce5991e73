package luki.gateway.upstream;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import luki.gateway.config.GatewayFile;
import org.jspecify.annotations.Nullable;

/**
 * Leaves a failing service alone: closed, then open once more than half of enough calls in the
 * window failed, then one probe at a time, then closed after enough good probes in a row.
 */
public final class Breaker {
  private static final int SLOTS = 10;

  private final GatewayFile.Breaker settings;
  private final LongSupplier nanoTime;
  private final long slotNanos;
  private final ReentrantLock lock = new ReentrantLock();
  private final long[] slotStart = new long[SLOTS];
  private final int[] calls = new int[SLOTS];
  private final int[] failures = new int[SLOTS];
  private State state = State.CLOSED;
  private long openedAt;
  private boolean probing;
  private long probedAt;
  private int goodProbes;
  private int generation;

  public Breaker(GatewayFile.Breaker settings, LongSupplier nanoTime) {
    this.settings = settings;
    this.nanoTime = nanoTime;
    this.slotNanos = Math.max(1, settings.window().toNanos() / SLOTS);
  }

  private enum State {
    CLOSED,
    OPEN,
    PROBING
  }

  /** What a call tells of the service. */
  public enum Verdict {
    SUCCESS,
    FAILURE,
    /** It was cancelled, or never reached the service: it says nothing. */
    IGNORED
  }

  /** Leave to make one call; ended exactly once. */
  public final class Permit {
    private final int since;
    private final boolean probe;

    private Permit(int since, boolean probe) {
      this.since = since;
      this.probe = probe;
    }

    public void end(Verdict verdict) {
      finished(this, verdict);
    }
  }

  /** Leave to call, or null while the service is left alone. */
  public @Nullable Permit tryAcquire() {
    lock.lock();
    try {
      if (state == State.OPEN && nanoTime.getAsLong() - openedAt >= settings.open().toNanos()) {
        state = State.PROBING;
        goodProbes = 0;
        probing = false;
      }
      return switch (state) {
        case CLOSED -> new Permit(generation, false);
        case OPEN -> null;
        case PROBING -> {
          // A probe that hangs must not keep the service from being tried again.
          boolean hangs = nanoTime.getAsLong() - probedAt >= settings.open().toNanos();
          if (probing && !hangs) {
            yield null;
          }
          probing = true;
          probedAt = nanoTime.getAsLong();
          yield new Permit(generation, true);
        }
      };
    } finally {
      lock.unlock();
    }
  }

  /** Open, and no probe is due yet. */
  public boolean isOpen() {
    lock.lock();
    try {
      return state == State.OPEN && nanoTime.getAsLong() - openedAt < settings.open().toNanos();
    } finally {
      lock.unlock();
    }
  }

  public boolean isTripped() {
    lock.lock();
    try {
      return state != State.CLOSED;
    } finally {
      lock.unlock();
    }
  }

  /** How long until a probe may go out, at least a second. */
  public Duration retryAfter() {
    lock.lock();
    try {
      long left = settings.open().toNanos() - (nanoTime.getAsLong() - openedAt);
      return state == State.OPEN && left > 1_000_000_000L
          ? Duration.ofNanos(left)
          : Duration.ofSeconds(1);
    } finally {
      lock.unlock();
    }
  }

  private void finished(Permit permit, Verdict verdict) {
    lock.lock();
    try {
      if (permit.since != generation) {
        return; // It began before the state changed, so it speaks of another time.
      }
      if (permit.probe) {
        probed(verdict);
      } else if (verdict != Verdict.IGNORED) {
        count(verdict == Verdict.FAILURE);
      }
    } finally {
      lock.unlock();
    }
  }

  private void probed(Verdict verdict) {
    probing = false;
    switch (verdict) {
      case SUCCESS -> {
        goodProbes++;
        if (goodProbes >= settings.probes()) {
          become(State.CLOSED);
        }
      }
      case FAILURE -> become(State.OPEN);
      case IGNORED -> {}
    }
  }

  private void count(boolean failed) {
    long now = nanoTime.getAsLong();
    int slot = (int) Math.floorMod(now / slotNanos, (long) SLOTS);
    long start = now / slotNanos;
    if (slotStart[slot] != start) {
      slotStart[slot] = start;
      calls[slot] = 0;
      failures[slot] = 0;
    }
    calls[slot]++;
    if (failed) {
      failures[slot]++;
    }
    int allCalls = 0;
    int allFailures = 0;
    for (int i = 0; i < SLOTS; i++) {
      if (start - slotStart[i] < SLOTS) {
        allCalls += calls[i];
        allFailures += failures[i];
      }
    }
    if (allCalls >= settings.minCalls() && allFailures * 2 > allCalls) {
      become(State.OPEN);
    }
  }

  private void become(State next) {
    state = next;
    generation++;
    probing = false;
    openedAt = nanoTime.getAsLong();
    Arrays.fill(calls, 0);
    Arrays.fill(failures, 0);
  }
}
