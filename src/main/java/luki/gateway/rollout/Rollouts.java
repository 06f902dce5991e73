package luki.gateway.rollout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.time.Clock;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Diagnostics.Field;
import luki.gateway.observe.FailureLog;
import luki.gateway.observe.Metrics;
import luki.gateway.observe.RolloutMetrics;

/** The services that have several versions. They outlive a reload of the configuration. */
public final class Rollouts {
  final RolloutFile file;
  final RolloutMetrics metrics;
  final Clock clock;
  final LongSupplier nanoTime;
  private final Map<Upstream, Rollout> services = new EnumMap<>(Upstream.class);
  private boolean hadFile;
  private final FailureLog failures =
      new FailureLog(
          "rollout",
          "the shares of versions cannot be read; those before stay in use",
          "the shares of versions can be read again");

  public Rollouts(RolloutFile file, Metrics metrics, Clock clock, LongSupplier nanoTime) {
    this.file = file;
    this.metrics = new RolloutMetrics(metrics);
    this.clock = clock;
    this.nanoTime = nanoTime;
  }

  /** A service that has several versions; it gets its shares with the next refresh. */
  public synchronized Rollout of(Upstream who) {
    return services.computeIfAbsent(who, _ -> new Rollout(who, this));
  }

  /** Reads the file, if a service has versions; a broken or vanished one changes nothing. */
  public synchronized void refresh() {
    if (services.isEmpty()) {
      return;
    }
    try {
      Map<Upstream, RolloutState> found = file.read();
      if (hadFile && found.isEmpty() && !Files.exists(file.path())) {
        throw new NoSuchFileException(file.path().toString());
      }
      hadFile |= !found.isEmpty();
      services.forEach(
          (who, rollout) -> rollout.update(found.getOrDefault(who, RolloutState.NONE)));
      failures.succeeded();
    } catch (IOException unusable) {
      failures.failed(Field.reason(unusable));
    }
  }
}
