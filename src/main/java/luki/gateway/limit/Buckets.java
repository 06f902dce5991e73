package luki.gateway.limit;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A bucket for each of many callers: no lock, at most so many of them. One that is full again is
 * worth nothing and leaves. While there is no room newcomers share some buckets, which can make
 * their limit stricter and never looser.
 */
final class Buckets {
  private static final int SHARED = 1024;

  private final ConcurrentHashMap<Long, Bucket> buckets = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private final Bucket[] shared = Stream.generate(Bucket::new).limit(SHARED).toArray(Bucket[]::new);
  private final int most;

  Buckets(int most) {
    this.most = most;
  }

  /** Takes units from the caller's bucket, or leaves it as it is. */
  RateStatus take(long caller, Rate rate, long now, long cost) {
    if (rate.isOff()) {
      return RateStatus.UNLIMITED;
    }
    while (true) {
      Bucket known = known(caller);
      RateStatus standing = (known == null ? added(caller) : known).take(rate, now, cost);
      if (standing != null) {
        return standing;
      }
    }
  }

  private @Nullable Bucket known(long caller) {
    Bucket own = buckets.get(caller);
    return own == null && count.get() >= most ? shared[(int) (caller & (SHARED - 1))] : own;
  }

  private Bucket added(long caller) {
    return buckets.computeIfAbsent(
        caller,
        _ -> {
          count.incrementAndGet();
          return new Bucket();
        });
  }

  /** How the caller stands, without taking anything. */
  RateStatus look(long caller, Rate rate, long now) {
    Bucket known = known(caller);
    return known == null ? rate.standing(true, 0, now, 0) : known.look(rate, now);
  }

  /** Lets those leave whose bucket is full. */
  void sweep(long now) {
    buckets.forEach(
        (caller, bucket) -> {
          if (bucket.leaves(now)) {
            buckets.remove(caller, bucket);
            count.decrementAndGet();
          }
        });
  }

  int size() {
    return count.get();
  }
}
