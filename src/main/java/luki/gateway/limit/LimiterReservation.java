package luki.gateway.limit;

import java.time.Duration;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange.QuotaReservation;
import luki.gateway.http.Policy.Units;

/** The quota reservation of a call that a {@link Limiter} has admitted. */
public final class LimiterReservation implements QuotaReservation {
  private final Limiter limiter;
  private final Limiter.Reservation reservation;
  private final Units units;
  private long reserved;
  private long taken;
  private boolean ended;

  /** The call counts as these units, without streamed characters. */
  public LimiterReservation(Limiter limiter, Limiter.Reservation reservation, Units units) {
    this.limiter = limiter;
    this.reservation = reservation;
    this.units = units;
    this.reserved = reservation.units().streamedCharacters();
  }

  @Override
  public boolean take(long characters) {
    if (!reservation.isNone() && taken + characters > reserved) {
      long lacking = taken + characters - reserved;
      reserved += limiter.extend(reservation, Math.max(lacking, Limiter.CHARACTERS_AT_ONCE));
      if (taken + characters > reserved) {
        return false;
      }
    }
    taken += characters;
    return true;
  }

  @Override
  public Units used() {
    return ended ? Units.NONE : units.withCharacters(taken);
  }

  @Override
  public void end(Units billed) {
    if (!ended && !reservation.isNone()) {
      limiter.settle(reservation, billed);
    }
    ended = true;
  }

  /** Of a call that is refused because a quota is used up. */
  public record QuotaExceeded(Duration untilReset) implements QuotaReservation {
    @Override
    public ApiError begin() {
      return ApiError.of(ErrorCode.QUOTA_EXCEEDED, untilReset);
    }

    @Override
    public boolean take(long characters) {
      return false;
    }
  }
}
