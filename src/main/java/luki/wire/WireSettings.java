package luki.wire;

import java.time.Duration;
import luki.http1.HeadLimits;

/**
 * How a client keeps its connections.
 *
 * @param connect how long one may take to stand, where a request does not say
 * @param maxConnections to one origin at a time; a call beyond waits for as long as it may connect
 * @param maxIdle to one origin
 * @param idle for how long one is kept; had better be shorter than a service keeps it
 * @param silence longest wait for the next bytes of a reply's body
 * @param lookAgain how often names are looked up again
 * @param head sizes of heads and trailers
 */
public record WireSettings(
    Duration connect,
    int maxConnections,
    int maxIdle,
    Duration idle,
    Duration silence,
    Duration lookAgain,
    HeadLimits head) {

  /** The defaults: uvicorn closes what is idle for 5 s. */
  public static WireSettings usual() {
    return new WireSettings(
        Duration.ofSeconds(1),
        16_384,
        512,
        Duration.ofSeconds(4),
        Duration.ofMinutes(2),
        Duration.ofSeconds(10),
        new HeadLimits(8 * 1024, 64 * 1024, 200));
  }

  public WireSettings withConnect(Duration other) {
    return new WireSettings(other, maxConnections, maxIdle, idle, silence, lookAgain, head);
  }

  public WireSettings withSilence(Duration other) {
    return new WireSettings(connect, maxConnections, maxIdle, idle, other, lookAgain, head);
  }
}
