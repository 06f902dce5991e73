package luki.gateway.upstream;

import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.Principal;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a failing service off: closed, then open once more than half of enough calls in the window
 * failed, then half-open with one probe at a time, then closed after enough successful probes in a
 * row. A share of slow calls opens it too, where that is set.
 *
 * <p>The requests of one caller may be the cause of failures, so they do not open it for others: it
 * takes failures of several callers, or that no connection was made. A caller whose probe failed
 * leaves the next ones to others for a while.
 */
public final class CircuitBreaker {
  private static final int SLOTS = 10;

  private final GatewayFile.Breaker settings;
  private final Set<CallResult> failing;
  private final LongSupplier nanoTime;
  private final long slotNanos;
  private final Slot[] slots = new Slot[SLOTS];
  private final LastCallers failed;
  private final LastCallers slow;
  private boolean tripped;
  private long openedAt;
  private boolean probing;
  private long probedAt;
  private int successfulProbes;
  private @Nullable Principal failedProber;
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
    this.failed = new LastCallers(settings);
    this.slow = new LastCallers(settings);
    Arrays.setAll(slots, _ -> new Slot());
  }

  /** The calls of a tenth of the window. */
  private static final class Slot {
    private long number;
    private int calls;
    private int failures;
    private int unconnected;
    private int slow;
  }

  /** Those whose calls failed last, or were slow, each with the time. */
  private static final class LastCallers {
    private final @Nullable Principal[] callers;
    private final long[] at;
    private final long window;

    LastCallers(GatewayFile.Breaker settings) {
      callers = new @Nullable Principal[settings.minCallers()];
      at = new long[callers.length];
      window = settings.window().toNanos();
    }

    void add(Principal caller, long now) {
      int oldest = 0;
      for (int i = 0; i < callers.length; i++) {
        Principal known = callers[i];
        if (known == null || known.isSameCaller(caller)) {
          oldest = i;
          break;
        }
        oldest = at[i] - at[oldest] < 0 ? i : oldest;
      }
      callers[oldest] = caller;
      at[oldest] = now;
    }

    /** Whether as many as there is room for are of the window. */
    boolean areEnough(long now) {
      return IntStream.range(0, callers.length)
          .allMatch(i -> callers[i] != null && now - at[i] < window);
    }

    void clear() {
      Arrays.fill(callers, null);
    }
  }

  /** What a call showed of the service. */
  public enum CallResult {
    SUCCESS,
    /** It replied, but with a failure of its own. */
    FAILURE,
    /** No reply, or 502, 503 or 504. */
    UNREACHABLE,
    /** No connection was made. */
    NO_CONNECTION,
    /** A success that took longer than {@code breaker.slow_call}. */
    SLOW,
    /** The call was cancelled or never sent, so it shows nothing. */
    IGNORED;

    static CallResult of(int status) {
      return switch (status) {
        case 502, 503, 504 -> UNREACHABLE;
        default -> status >= 500 ? FAILURE : SUCCESS;
      };
    }
  }

  /** Permission for one call; ended exactly once. All calls of one closed period share one. */
  public final class Permit {
    private final int generation;
    private final boolean probe;

    private Permit(int generation, boolean probe) {
      this.generation = generation;
      this.probe = probe;
    }

    public void end(Principal caller, CallResult result) {
      ended(this, caller, result);
    }
  }

  /** Permission to call, or null while there is none. */
  public synchronized @Nullable Permit tryAcquire(Principal caller) {
    if (!tripped) {
      return closed;
    }
    long now = nanoTime.getAsLong();
    long open = settings.open().toNanos();
    boolean failedLast = failedProber != null && failedProber.isSameCaller(caller);
    // A probe that hangs must not prevent the next one.
    boolean isProbed = probing && now - probedAt < open;
    if (isProbed || now - openedAt < (failedLast ? 2 * open : open)) {
      return null;
    }
    probing = true;
    probedAt = now;
    return new Permit(generation, true);
  }

  /** Whether it is open, with no probe due yet. */
  public synchronized boolean isOpen() {
    return tripped && untilProbe() > 0;
  }

  /** Whether it is open or half-open. */
  public synchronized boolean isTripped() {
    return tripped;
  }

  /** How long until the next probe, at least a second. */
  public synchronized Duration retryAfter() {
    return Duration.ofNanos(Math.max(1_000_000_000L, tripped ? untilProbe() : 0));
  }

  private long untilProbe() {
    return settings.open().toNanos() - (nanoTime.getAsLong() - openedAt);
  }

  private synchronized void ended(Permit permit, Principal caller, CallResult result) {
    if (permit.generation != generation) {
      return; // The call began in an earlier state.
    }
    if (permit.probe) {
      probed(caller, result);
    } else if (result != CallResult.IGNORED) {
      count(caller, result);
    }
  }

  private void probed(Principal caller, CallResult result) {
    probing = false;
    if (result == CallResult.IGNORED) {
      return;
    }
    if (failing.contains(result)) {
      become(true);
      failedProber = result == CallResult.NO_CONNECTION ? null : caller;
      return;
    }
    successfulProbes++;
    if (successfulProbes >= settings.probes()) {
      become(false);
    }
  }

  private void count(Principal caller, CallResult result) {
    long now = nanoTime.getAsLong();
    long number = now / slotNanos;
    int index = (int) Math.floorMod(number, (long) SLOTS);
    if (slots[index].number != number) {
      slots[index] = new Slot();
      slots[index].number = number;
    }
    slots[index].calls++;
    if (!failing.contains(result)) {
      // It may be the call that makes the window large enough to judge, but it shows no failure.
      return;
    }
    if (result == CallResult.SLOW) {
      slots[index].slow++;
      slow.add(caller, now);
    } else {
      slots[index].failures++;
      slots[index].unconnected += result == CallResult.NO_CONNECTION ? 1 : 0;
      failed.add(caller, now);
    }
    if (isFailing(number, now)) {
      become(true);
    }
  }

  private boolean isFailing(long number, long now) {
    long calls = 0;
    int failures = 0;
    int unconnected = 0;
    long late = 0;
    for (Slot slot : slots) {
      if (number - slot.number < SLOTS) {
        calls += slot.calls;
        failures += slot.failures;
        unconnected += slot.unconnected;
        late += slot.slow;
      }
    }
    int counted = failed.areEnough(now) ? failures : unconnected;
    boolean isSlow = slow.areEnough(now) && late * 100 > settings.slowPercent() * calls;
    return calls >= settings.minCalls() && (counted * 2L > calls || isSlow);
  }

  private void become(boolean nowTripped) {
    tripped = nowTripped;
    generation++;
    closed = new Permit(generation, false);
    probing = false;
    successfulProbes = 0;
    openedAt = nanoTime.getAsLong();
    failedProber = null;
    Arrays.setAll(slots, _ -> new Slot());
    failed.clear();
    slow.clear();
  }
}
