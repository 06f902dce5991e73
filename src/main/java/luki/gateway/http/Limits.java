package luki.gateway.http;

import java.util.Set;

/**
 * What a call of an operation takes from its caller.
 *
 * @param cost of the caller's rate; 1 for most
 * @param meters that it counts in; none where it is free of quotas and never billed
 */
public record Limits(int cost, Set<Meter> meters) {
  /** For operations without a caller. */
  public static final Limits FREE = new Limits(0, Set.of());

  public Limits {
    meters = Set.copyOf(meters);
  }

  /** What one call counts as, before anything was streamed. */
  public Units units() {
    return new Units(
        meters.contains(Meter.REQUESTS) ? 1 : 0, meters.contains(Meter.CHAT_MESSAGES) ? 1 : 0, 0);
  }

  public boolean isMetered() {
    return !meters.isEmpty();
  }
}
