package luki.gateway.upstream;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Principal;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Label.LimitDecision;
import luki.gateway.observe.Label.LimitName;
import luki.gateway.observe.Label.UpstreamOutcome;
import luki.gateway.observe.Metrics;
import org.jspecify.annotations.Nullable;

/**
 * The places for calls in flight to a service, each with its caller, so that no caller takes more
 * than its share. There is no lock, and no object for a call. The places of a caller are only
 * counted while more than one share is taken: before that nobody can have too many.
 */
final class Bulkhead {
  static final int FULL = -1;
  static final int BEYOND_SHARE = -2;

  private final AtomicReferenceArray<@Nullable Principal> places;
  private final AtomicInteger taken = new AtomicInteger();
  private final int share;

  Bulkhead(int places, GatewayFile.FairShare share) {
    this.places = new AtomicReferenceArray<>(places);
    this.share = share.of(places);
  }

  /**
   * This one where the numbers are the same, else a new one; a place is left where it was taken.
   */
  Bulkhead with(int total, GatewayFile.FairShare fair) {
    return total == places.length() && fair.of(total) == share ? this : new Bulkhead(total, fair);
  }

  /** A place, to be left exactly once; or {@link #FULL} or {@link #BEYOND_SHARE}. */
  int enter(Principal caller) {
    if (taken.incrementAndGet() > places.length()) {
      taken.decrementAndGet();
      return FULL;
    }
    int place = take(caller);
    // Read after the place was taken: of calls at the same moment the last one sees all others.
    if (taken.get() > share && placesOf(caller) > share) {
      leave(place);
      return BEYOND_SHARE;
    }
    return place;
  }

  /** Why there is no place, which is counted. */
  static ApiError refusal(int place, Upstream who, Metrics metrics, long nanos) {
    metrics.upstreamCall(who, UpstreamOutcome.SHED, nanos);
    if (place == BEYOND_SHARE) {
      metrics.rateLimit(LimitName.SHARE, LimitDecision.REFUSED);
      return ApiError.retrySoon(ErrorCode.RATE_LIMITED);
    }
    return ApiError.retrySoon(ErrorCode.OVERLOADED);
  }

  void leave(int place) {
    places.set(place, null);
    taken.decrementAndGet();
  }

  /** One is free: a place is left before it is no longer counted. */
  private int take(Principal caller) {
    int place = (int) (Thread.currentThread().threadId() % places.length());
    while (places.get(place) != null || !places.compareAndSet(place, null, caller)) {
      place = place + 1 == places.length() ? 0 : place + 1;
    }
    return place;
  }

  private int placesOf(Principal caller) {
    int count = 0;
    for (int i = 0; i < places.length(); i++) {
      Principal other = places.get(i);
      if (other != null && other.isSameCaller(caller)) {
        count++;
      }
    }
    return count;
  }
}
