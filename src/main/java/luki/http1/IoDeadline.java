package luki.http1;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A deadline for the I/O of a connection's thread. That thread sets and clears it, a sweeper lets
 * it expire; once expired it stays so. Times are of one monotonic clock.
 */
public final class IoDeadline {
  /** No deadline. */
  public static final long NONE = Long.MAX_VALUE;

  private static final long EXPIRED = Long.MIN_VALUE;

  private final AtomicLong at = new AtomicLong(NONE);

  /** False when it has expired meanwhile. */
  public boolean set(long nanos) {
    long before = at.get();
    return before != EXPIRED && at.compareAndSet(before, nanos);
  }

  /** False when it has expired meanwhile. */
  public boolean clear() {
    return set(NONE);
  }

  public boolean hasExpired() {
    return at.get() == EXPIRED;
  }

  /** Whether it expires now. */
  public boolean expire(long now) {
    long moment = at.get();
    return moment != NONE
        && moment != EXPIRED
        && moment - now <= 0
        && at.compareAndSet(moment, EXPIRED);
  }
}
