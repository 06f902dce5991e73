package luki.gateway.upstream;

import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import luki.http1.RawClient;
import org.jspecify.annotations.Nullable;

/** The client engines: one that all services share, or the JDK's, one a service. */
public final class Engines {
  private final @Nullable RawClient shared;
  private final ScheduledExecutorService timer;

  /**
   * Chooses.
   *
   * @param shared null for the JDK's own
   */
  public Engines(@Nullable RawClient shared, ScheduledExecutorService timer) {
    this.shared = shared;
    this.timer = timer;
  }

  /** An engine and what it takes to close it. */
  record Engine(RawClient client, Runnable close) {}

  Engine engine(Duration connect) {
    if (shared != null) {
      return new Engine(shared, () -> {});
    }
    JdkCalls own = new JdkCalls(connect, timer);
    return new Engine(own, own::close);
  }
}
