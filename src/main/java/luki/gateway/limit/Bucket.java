package luki.gateway.limit;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The time at which a bucket is full again, changed by compare-and-swap. It is an {@link
 * AtomicLong} and does not have one: there are a million of them.
 */
final class Bucket extends AtomicLong {
  private static final long serialVersionUID = 1;
  private static final long GONE = Long.MIN_VALUE;

  /** Takes units or leaves it as it is; null when it has left the table that it was found in. */
  @Nullable RateStatus take(Rate rate, long now, long cost) {
    while (true) {
      long before = get();
      if (before == GONE) {
        return null;
      }
      long after = rate.after(before, now, cost);
      if (after < 0) {
        return rate.standing(false, before, now, cost);
      }
      if (compareAndSet(before, after)) {
        return rate.standing(true, after, now, cost);
      }
    }
  }

  RateStatus look(Rate rate, long now) {
    return rate.standing(true, Math.max(0, get()), now, 0);
  }

  void giveBack(Rate rate, long cost) {
    addAndGet(-rate.weight(cost) * rate.interval());
  }

  /** Marks it when it is full. Whoever holds it still then looks for another one. */
  boolean leaves(long now) {
    long full = get();
    return full <= now && full != GONE && compareAndSet(full, GONE);
  }
}
