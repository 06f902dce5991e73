package luki.gateway.limit;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A bucket for each of many callers: no lock, at most so many of them. One that is full again is
 * worth nothing and leaves. While there is no room newcomers share some buckets, which can make
 * their limit stricter and never looser.
 */
final class Buckets {
  private static final long GONE = Long.MIN_VALUE;
  private static final int SHARED = 1024;

  private final ConcurrentHashMap<Long, AtomicLong> fullAt = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicLongArray shared = new AtomicLongArray(SHARED);
  private final int most;

  Buckets(int most) {
    this.most = most;
  }

  /** Takes units from the caller's bucket, or leaves it as it is. */
  Standing take(long caller, Rate rate, long now, long cost) {
    if (rate.isOff()) {
      return Standing.UNLIMITED;
    }
    while (true) {
      AtomicLong bucket = fullAt.get(caller);
      if (bucket == null) {
        if (count.get() >= most) {
          return takeShared(caller, rate, now, cost);
        }
        bucket = added(caller, now);
      }
      long before = bucket.get();
      if (before == GONE) {
        continue;
      }
      long after = rate.after(before, now, cost);
      if (after < 0) {
        return rate.standing(false, before, now, cost);
      }
      if (bucket.compareAndSet(before, after)) {
        return rate.standing(true, after, now, cost);
      }
    }
  }

  private AtomicLong added(long caller, long now) {
    return fullAt.computeIfAbsent(
        caller,
        _ -> {
          count.incrementAndGet();
          return new AtomicLong(now);
        });
  }

  private Standing takeShared(long caller, Rate rate, long now, long cost) {
    int index = (int) (caller & (SHARED - 1));
    while (true) {
      long before = shared.get(index);
      long after = rate.after(before, now, cost);
      if (after < 0) {
        return rate.standing(false, before, now, cost);
      }
      if (shared.compareAndSet(index, before, after)) {
        return rate.standing(true, after, now, cost);
      }
    }
  }

  /** How the caller stands, without taking anything. */
  Standing look(long caller, Rate rate, long now) {
    AtomicLong bucket = fullAt.get(caller);
    long full =
        bucket == null
            ? count.get() >= most ? shared.get((int) (caller & (SHARED - 1))) : 0
            : Math.max(0, bucket.get());
    return rate.standing(true, full, now, 0);
  }

  /** Lets those leave whose bucket is full. */
  void sweep(long now) {
    fullAt.forEach(
        (caller, bucket) -> {
          long full = bucket.get();
          // Marked before it goes: whoever holds it still then looks again.
          if (full <= now && full != GONE && bucket.compareAndSet(full, GONE)) {
            fullAt.remove(caller, bucket);
            count.decrementAndGet();
          }
        });
  }

  int size() {
    return count.get();
  }
}
