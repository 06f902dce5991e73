package luki.gateway.limit;

import java.time.Duration;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Policy.Units;
import luki.gateway.http.QuotaReservation;
import org.jspecify.annotations.Nullable;

/** A call's part of its caller's quotas, from the moment that it was held back. */
public final class LimiterReservation implements QuotaReservation {
  private final Limiter limiter;
  private final Limiter.Reservation hold;
  private final Units units;
  private long granted;
  private long taken;
  private boolean ended;

  /**
   * Opens one.
   *
   * @param units that the call counts as, before anything was streamed
   */
  public LimiterReservation(Limiter limiter, Limiter.Reservation hold, Units units) {
    this.limiter = limiter;
    this.hold = hold;
    this.units = units;
    this.granted = hold.units().streamedCharacters();
  }

  @Override
  public @Nullable ApiError begin() {
    return null;
  }

  @Override
  public boolean take(long characters) {
    if (!hold.isNothing() && taken + characters > granted) {
      long lacking = taken + characters - granted;
      granted += limiter.draw(hold, Math.max(lacking, Limiter.CHARACTERS_AT_ONCE));
      if (taken + characters > granted) {
        return false;
      }
    }
    taken += characters;
    return true;
  }

  @Override
  public Units used() {
    return units.withCharacters(taken);
  }

  @Override
  public void end(Units billed) {
    if (!ended && !hold.isNothing()) {
      limiter.settle(hold, billed);
    }
    ended = true;
  }

  /** Nothing is left for this call until so much later. */
  public record QuotaExceeded(Duration left) implements QuotaReservation {
    @Override
    public ApiError begin() {
      return ApiError.of(ErrorCode.QUOTA_EXCEEDED, left);
    }

    @Override
    public boolean take(long characters) {
      return false;
    }

    @Override
    public Units used() {
      return Units.NONE;
    }

    @Override
    public void end(Units billed) {}
  }
}
