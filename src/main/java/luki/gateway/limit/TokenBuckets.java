package luki.gateway.limit;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import luki.gateway.limit.Limiter.RateStatus;
import org.jspecify.annotations.Nullable;

/**
 * A token bucket for each caller, without locks and for a bounded number of callers. A full bucket
 * is removed, since it is equal to a new one. While the table is full, new callers share a few
 * buckets, which can make their limit stricter but never looser.
 */
final class TokenBuckets {
  private static final int SHARED = 1024;

  private final ConcurrentHashMap<Long, Bucket> buckets = new ConcurrentHashMap<>();
  private final Bucket[] shared = Stream.generate(Bucket::new).limit(SHARED).toArray(Bucket[]::new);
  private final int capacity;

  TokenBuckets(int capacity) {
    this.capacity = capacity;
  }

  /** Takes units from the caller's bucket, or leaves it unchanged when it has too few. */
  RateStatus take(long caller, Rate rate, long now, long cost) {
    if (rate.isOff()) {
      return RateStatus.UNLIMITED;
    }
    while (true) {
      Bucket known = find(caller);
      RateStatus status = (known == null ? add(caller) : known).take(rate, now, cost);
      if (status != null) {
        return status;
      }
    }
  }

  private @Nullable Bucket find(long caller) {
    Bucket own = buckets.get(caller);
    return own == null && buckets.size() >= capacity ? shared[(int) (caller & (SHARED - 1))] : own;
  }

  private Bucket add(long caller) {
    return buckets.computeIfAbsent(caller, _ -> new Bucket());
  }

  /** The state of the caller's bucket; takes nothing. */
  RateStatus status(long caller, Rate rate, long now) {
    Bucket known = find(caller);
    return rate.status(true, known == null ? 0 : Math.max(0, known.get()), now, 0);
  }

  /** Whether there is a bucket of this caller that is not full, or was not long ago. */
  boolean knows(long caller) {
    return buckets.containsKey(caller);
  }

  /**
   * Empties the caller's bucket until it is full again at that time, or later. Without effect while
   * the table is full: others share the bucket then.
   */
  void raise(long caller, long full) {
    if (knows(caller) || buckets.size() < capacity) {
      add(caller).raise(full);
    }
  }

  /** Removes full buckets. */
  void sweep(long now) {
    buckets.forEach(
        (caller, bucket) -> {
          if (bucket.removeIfFull(now)) {
            buckets.remove(caller, bucket);
          }
        });
  }

  int size() {
    return buckets.size();
  }

  /**
   * The time at which a bucket is full again, changed by compare-and-swap. It extends {@link
   * AtomicLong} to save an object: there may be a million buckets.
   */
  static final class Bucket extends AtomicLong {
    private static final long serialVersionUID = 1;
    private static final long REMOVED = Long.MIN_VALUE;

    /** Takes units if there are enough; null when the bucket was removed from its table. */
    @Nullable RateStatus take(Rate rate, long now, long cost) {
      while (true) {
        long before = get();
        if (before == REMOVED) {
          return null;
        }
        long after = rate.after(before, now, cost);
        if (after < 0) {
          return rate.status(false, before, now, cost);
        }
        if (compareAndSet(before, after)) {
          return rate.status(true, after, now, cost);
        }
      }
    }

    /** Has no effect on a bucket that was removed: such a bucket was full. */
    private void raise(long full) {
      long before = get();
      while (before != REMOVED && before < full && !compareAndSet(before, full)) {
        before = get();
      }
    }

    void giveBack(Rate rate, long cost) {
      addAndGet(-rate.weight(cost) * rate.interval());
    }

    /** Marks a full bucket as removed, so that a thread that has found it before looks again. */
    private boolean removeIfFull(long now) {
      long full = get();
      return full <= now && full != REMOVED && compareAndSet(full, REMOVED);
    }
  }
}
