package luki.edge;

import java.time.Duration;
import luki.http1.HeadLimits;

/** Limits as those of a gateway with its default settings. */
public final class UsualLimits {
  private UsualLimits() {}

  public static EdgeLimits edge() {
    return new EdgeLimits(
        HeadLimits.USUAL,
        Duration.ofSeconds(10),
        5000,
        Duration.ofSeconds(10),
        Duration.ofSeconds(100),
        Duration.ofSeconds(30),
        20_000,
        0);
  }
}
