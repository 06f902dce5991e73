package luki.gateway.delivery;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import luki.gateway.http.CallerName;
import luki.gateway.http.Route;
import luki.gateway.http.Units;

/** Makes an event of each billable call and puts it into the outbox. */
public final class UsageLog {
  private final Outbox outbox;
  private final Clock clock;
  private final RandomGenerator random;

  /**
   * Makes one.
   *
   * @param random for ids; 128 bits of it are one
   */
  public UsageLog(Outbox outbox, Clock clock, RandomGenerator random) {
    this.outbox = outbox;
    this.clock = clock;
    this.random = random;
  }

  public void add(CallerName principal, String plan, Route route, Units units, int status) {
    HexFormat hex = HexFormat.of();
    String id = "use_" + hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong());
    UsageEvent event =
        new UsageEvent(
            id, clock.instant(), principal.value(), plan, route.operationId(), units, status);
    outbox.append((event.toJson() + "\n").getBytes(StandardCharsets.UTF_8));
  }
}
