package luki.gateway.limit;

/**
 * Where a caller stands with its rate.
 *
 * @param remaining units that are free now
 * @param nextTokenMicros microseconds until one more is
 * @param waitMicros microseconds until the refused call would fit; 0 when it was let in
 */
public record RateStatus(boolean admitted, long remaining, long nextTokenMicros, long waitMicros) {
  /** No rate is enforced. */
  public static final RateStatus UNLIMITED = new RateStatus(true, Long.MAX_VALUE, 0, 0);

  public boolean isLimited() {
    return remaining != Long.MAX_VALUE;
  }
}
