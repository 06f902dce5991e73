package luki.edge;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import luki.http1.HeadLimits;

/**
 * Limits for clients of the server.
 *
 * @param head sizes of heads and trailers
 * @param headTime from a head's first byte to its last; then 408
 * @param bodyBytes bytes that a body must deliver in each {@code bodyTime} of waiting; else 408
 * @param bodyTime see there
 * @param idle between two requests; then closed
 * @param write for 32 KB of a reply to be taken; then closed
 * @param connections maximum in total; more wait in the listener's backlog
 * @param connectionsPerAddress maximum for one address, 0 = unlimited; more are closed
 */
public record EdgeLimits(
    HeadLimits head,
    Duration headTime,
    int bodyBytes,
    Duration bodyTime,
    Duration idle,
    Duration write,
    int connections,
    int connectionsPerAddress) {
  private static final long MIN_TICK_MS = 10;
  private static final long MAX_TICK_MS = 250;

  /** How often deadlines are checked: a fraction of the shortest. */
  Duration tick() {
    Duration shortest = Collections.min(List.of(headTime, bodyTime, idle, write));
    return Duration.ofMillis(Math.clamp(shortest.toMillis() / 8, MIN_TICK_MS, MAX_TICK_MS));
  }
}
