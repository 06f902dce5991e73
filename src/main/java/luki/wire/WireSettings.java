package luki.wire;

import java.time.Duration;
import luki.http1.HeadLimits;

/**
 * How a client keeps its connections.
 *
 * @param connect connect timeout of each connection, name look-up and TLS handshake included
 * @param maxConnections to one origin; a further call waits for one as long as it may connect
 * @param maxIdle idle connections to one origin
 * @param idle how long an idle connection is kept; should be shorter than the service keeps it
 * @param silence longest wait for the next bytes of a reply's body
 * @param refreshNames how often names are looked up again
 * @param head sizes of heads and trailers
 */
public record WireSettings(
    Duration connect,
    int maxConnections,
    int maxIdle,
    Duration idle,
    Duration silence,
    Duration refreshNames,
    HeadLimits head) {

  /** With the defaults for the rest: uvicorn closes what is idle for 5 s. */
  public static WireSettings usual(Duration connect, Duration silence) {
    return new WireSettings(
        connect,
        16_384,
        512,
        Duration.ofSeconds(4),
        silence,
        Duration.ofSeconds(10),
        new HeadLimits(8 * 1024, 64 * 1024, 200));
  }
}
