package luki.gateway.delivery;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Objects;
import java.util.random.RandomGenerator;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.http.Ids;
import luki.gateway.http.Policy.Units;
import luki.gateway.http.Principal.CallerName;
import luki.gateway.http.Route;
import luki.gateway.observe.Metrics;
import luki.gateway.upstream.Upstreams.HttpClients;
import org.jspecify.annotations.Nullable;

/** Usage events: each is written to the outbox, and sent from there to the sink if there is one. */
public final class Billing implements AutoCloseable {
  private static final long SEGMENT_BYTES = 64L << 20;

  private final Outbox outbox;
  private final Clock clock;
  private final RandomGenerator random;
  private final @Nullable UsageSink sink;

  /**
   * Opens the outbox, which the settings name, and begins to deliver what is in it.
   *
   * @param random for ids; 128 bits of it are one
   * @throws BadConfiguration the outbox cannot be written
   */
  public Billing(
      Settings.UsageOut settings,
      HttpClients clients,
      Clock clock,
      RandomGenerator random,
      Metrics metrics)
      throws BadConfiguration {
    try {
      this.outbox = new Outbox(Objects.requireNonNull(settings.outbox()), SEGMENT_BYTES);
    } catch (IOException unwritable) {
      throw new BadConfiguration("USAGE_OUTBOX: cannot be written: " + unwritable.getMessage());
    }
    this.clock = clock;
    this.random = random;
    URI address = settings.sink();
    this.sink =
        address == null
            ? null
            : new UsageSink(outbox, address, settings.secrets(), clients, clock, random);
    metrics.watchCounter(
        "luki_gateway_usage_events_lost_total",
        "Usage events that could not be written to the outbox",
        outbox::lost);
    metrics.watch(
        "luki_gateway_usage_backlog_bytes",
        "Usage events in the outbox that the sink has not accepted",
        () -> sink == null ? 0 : sink.backlog());
  }

  /** Writes an event for a billable call. */
  public void add(
      CallerName principal, String plan, Route.Operation operation, Units units, int status) {
    UsageEvent event =
        new UsageEvent(
            "use_" + Ids.hex(random),
            clock.instant(),
            principal.value(),
            plan,
            operation.id(),
            units,
            status);
    outbox.append((event.toJson() + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /** Writes what is left to the outbox; the rest is sent to the sink after a restart. */
  @Override
  public void close() {
    outbox.close();
    if (sink != null) {
      sink.close();
    }
  }
}
