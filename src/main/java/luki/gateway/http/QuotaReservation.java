package luki.gateway.http;

import luki.gateway.http.Policy.Units;
import org.jspecify.annotations.Nullable;

/** What one call may use of its caller's quotas. For one thread at a time. */
public interface QuotaReservation {
  /** Unlimited; nothing is counted. */
  QuotaReservation UNLIMITED = new QuotaReservation() {};

  /** To be called before the work is done: the error when a quota is used up, or null. */
  default @Nullable ApiError begin() {
    return null;
  }

  /** Takes characters to stream (Unicode code points); false when fewer are left. */
  default boolean take(long characters) {
    return true;
  }

  /** What the call has used, if it counts. */
  default Units used() {
    return Units.NONE;
  }

  /** Counts that much and frees the rest; only the first call has an effect. */
  default void end(Units billed) {}
}
