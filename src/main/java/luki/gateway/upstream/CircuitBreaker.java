package luki.gateway.upstream;

import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.function.LongSupplier;
import luki.gateway.config.GatewayFile;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a failing service off: closed, then open once more than half of enough calls in the window
 * failed, then half-open with one probe at a time, then closed after enough successful probes in a
 * row.
 */
public final class CircuitBreaker {
  private static final int SLOTS = 10;

  private final GatewayFile.Breaker settings;
  private final Set<CallResult> failing;
  private final LongSupplier nanoTime;
  private final long slotNanos;
  private final long[] slotStart = new long[SLOTS];
  private final int[] calls = new int[SLOTS];
  private final int[] failures = new int[SLOTS];
  private State state = State.CLOSED;
  private long openedAt;
  private boolean probing;
  private long probedAt;
  private int successfulProbes;
  private int generation;
  private Permit closed = new Permit(0, false);

  /**
   * Makes a closed one.
   *
   * @param failing the results that count as failures; all others but IGNORED count as successes
   */
  public CircuitBreaker(
      GatewayFile.Breaker settings, Set<CallResult> failing, LongSupplier nanoTime) {
    this.settings = settings;
    this.failing = Set.copyOf(failing);
    this.nanoTime = nanoTime;
    this.slotNanos = Math.max(1, settings.window().toNanos() / SLOTS);
  }

  /** What a call showed of the service. */
  public enum CallResult {
    SUCCESS,
    /** It replied, but with a failure of its own. */
    FAILURE,
    /** No reply, or 502, 503 or 504. */
    UNREACHABLE,
    /** The call was cancelled or never sent, so it shows nothing. */
    IGNORED;

    static CallResult of(int status) {
      return switch (status) {
        case 502, 503, 504 -> UNREACHABLE;
        default -> status >= 500 ? FAILURE : SUCCESS;
      };
    }
  }

  private enum State {
    CLOSED,
    OPEN,
    HALF_OPEN
  }

  /** Permission for one call; ended exactly once. All calls of one closed period share one. */
  public final class Permit {
    private final int generation;
    private final boolean probe;

    private Permit(int generation, boolean probe) {
      this.generation = generation;
      this.probe = probe;
    }

    public void end(CallResult result) {
      ended(this, result);
    }
  }

  /** Permission to call, or null while there is none. */
  public synchronized @Nullable Permit tryAcquire() {
    if (state == State.OPEN && nanoTime.getAsLong() - openedAt >= settings.open().toNanos()) {
      state = State.HALF_OPEN;
      successfulProbes = 0;
      probing = false;
    }
    return switch (state) {
      case CLOSED -> closed;
      case OPEN -> null;
      case HALF_OPEN -> {
        // A probe that hangs must not prevent the next one.
        boolean hangs = nanoTime.getAsLong() - probedAt >= settings.open().toNanos();
        if (probing && !hangs) {
          yield null;
        }
        probing = true;
        probedAt = nanoTime.getAsLong();
        yield new Permit(generation, true);
      }
    };
  }

  /** Whether it is open, with no probe due yet. */
  public synchronized boolean isOpen() {
    return state == State.OPEN && nanoTime.getAsLong() - openedAt < settings.open().toNanos();
  }

  /** Whether it is open or half-open. */
  public synchronized boolean isTripped() {
    return state != State.CLOSED;
  }

  /** How long until the next probe, at least a second. */
  public synchronized Duration retryAfter() {
    long left = settings.open().toNanos() - (nanoTime.getAsLong() - openedAt);
    return state == State.OPEN && left > 1_000_000_000L
        ? Duration.ofNanos(left)
        : Duration.ofSeconds(1);
  }

  private synchronized void ended(Permit permit, CallResult result) {
    if (permit.generation != generation) {
      return; // The call began in an earlier state.
    }
    if (permit.probe) {
      probed(result);
    } else if (result != CallResult.IGNORED) {
      count(failing.contains(result));
    }
  }

  private void probed(CallResult result) {
    probing = false;
    if (result == CallResult.IGNORED) {
      return;
    }
    if (failing.contains(result)) {
      become(State.OPEN);
      return;
    }
    successfulProbes++;
    if (successfulProbes >= settings.probes()) {
      become(State.CLOSED);
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
    closed = new Permit(generation, false);
    probing = false;
    openedAt = nanoTime.getAsLong();
    Arrays.fill(calls, 0);
    Arrays.fill(failures, 0);
  }
}
