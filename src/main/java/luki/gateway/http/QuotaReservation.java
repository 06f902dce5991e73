package luki.gateway.http;

import luki.gateway.http.Policy.Units;
import org.jspecify.annotations.Nullable;

/** What one call may use of its caller's quotas. For one thread at a time. */
public interface QuotaReservation {
  /** Unlimited; nothing is counted. */
  QuotaReservation ENDLESS =
      new QuotaReservation() {
        @Override
        public @Nullable ApiError begin() {
          return null;
        }

        @Override
        public boolean take(long characters) {
          return true;
        }

        @Override
        public Units used() {
          return Units.NONE;
        }

        @Override
        public void end(Units billed) {}
      };

  /** To be called before the work is done: the error when a quota is used up, or null. */
  @Nullable ApiError begin();

  /** Takes characters to stream (Unicode code points); false when there are not as many left. */
  boolean take(long characters);

  /** What the call has used, should it count. */
  Units used();

  /** Counts that much and frees the rest; the first call decides. */
  void end(Units billed);
}
