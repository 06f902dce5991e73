package luki.gateway.delivery;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.random.RandomGenerator;
import luki.gateway.config.Settings;
import luki.gateway.observe.Metrics;
import luki.gateway.upstream.Engines;
import org.jspecify.annotations.Nullable;

/** Usage events on their way: into the outbox, and from there to the sink where there is one. */
public final class Billing implements AutoCloseable {
  private static final long SEGMENT_BYTES = 64L << 20;

  private final Outbox outbox;
  private final UsageLog log;
  private final @Nullable UsageSink sink;

  /**
   * Opens the outbox and begins to deliver what is in it.
   *
   * @throws IOException the outbox cannot be written
   */
  public Billing(
      Path file,
      Settings.UsageOut settings,
      Engines engines,
      Clock clock,
      RandomGenerator random,
      Metrics metrics)
      throws IOException {
    this.outbox = new Outbox(file, SEGMENT_BYTES, metrics::usageEventLost);
    this.log = new UsageLog(outbox, clock, random);
    URI address = settings.sink();
    this.sink =
        address == null
            ? null
            : new UsageSink(outbox, address, settings.secrets(), engines, clock, random);
    metrics.watchUsageBacklog(() -> sink == null ? 0 : sink.backlog());
  }

  public UsageLog log() {
    return log;
  }

  /**
   * Writes what is left to the outbox; what the sink has not taken is delivered after a restart.
   */
  @Override
  public void close() {
    outbox.close();
    if (sink != null) {
      sink.close();
    }
  }
}
