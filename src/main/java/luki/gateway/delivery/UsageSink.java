package luki.gateway.delivery;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.ClosedByInterruptException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;
import luki.gateway.config.Settings;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.FailureLog;
import luki.gateway.observe.Periodic;
import luki.gateway.upstream.ExternalCall;
import luki.gateway.upstream.Upstreams.HttpClients;

/**
 * Sends the events of an outbox: one after another, each until it was accepted, so in order and at
 * least once. The position survives the process; what was sent after it was stored last is sent
 * again, with the same id.
 */
final class UsageSink implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("usage");
  private static final Duration INTERVAL = Duration.ofMillis(100);
  private static final Duration COMMIT_INTERVAL = Duration.ofMillis(500);
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(5);
  private static final Duration SEND_TIMEOUT = Duration.ofSeconds(15);
  private static final Duration FIRST_WAIT = Duration.ofMillis(500);
  private static final Duration MAX_WAIT = Duration.ofMinutes(1);
  private static final int GONE = 410;
  private static final String CONTENT_TYPE = "application/cloudevents+json";

  private final Outbox outbox;
  private final ExternalCall sink;
  private final List<String> secrets;
  private final Clock clock;
  private final RandomGenerator random;
  private final FailureLog failures =
      new FailureLog(
          "usage", "the usage sink accepts no events", "the usage sink accepts events again");
  private final Periodic task;
  private volatile long backlog;

  UsageSink(
      Outbox outbox,
      URI address,
      List<Settings.Secret> secrets,
      HttpClients clients,
      Clock clock,
      RandomGenerator random) {
    this.outbox = outbox;
    this.sink = new ExternalCall(address, clients, SEND_TIMEOUT);
    this.secrets = secrets.stream().map(Settings.Secret::value).toList();
    this.clock = clock;
    this.random = random;
    this.task = new Periodic("usage-sink", this::deliver);
  }

  /** Bytes that are written and not accepted yet. */
  long backlog() {
    return backlog;
  }

  private Duration deliver() throws InterruptedException {
    try (OutboxReader from = OutboxReader.atPosition(outbox.segments)) {
      return deliverAll(from) ? INTERVAL : Periodic.NEVER;
    } catch (ClosedByInterruptException closed) {
      throw new InterruptedException();
    } catch (IOException | RuntimeException failure) {
      // Such as a full disk: delivery starts again from the stored position.
      LOG.error("usage events cannot be delivered", Diagnostics.Field.of("cause", failure));
      return AFTER_FAILURE;
    }
  }

  /** Sends what is written by now; false when the sink wants no more. */
  private boolean deliverAll(OutboxReader from) throws IOException, InterruptedException {
    long committed = System.nanoTime();
    try {
      for (byte[] line = from.next(); line != null; line = from.next()) {
        if (!deliver(line, from)) {
          return false;
        }
        if (System.nanoTime() - committed > COMMIT_INTERVAL.toNanos()) {
          from.commit();
          committed = System.nanoTime();
          backlog = from.left();
        }
      }
    } finally {
      // Interrupted, the position could not be written.
      boolean closing = Thread.interrupted();
      from.commit();
      if (closing) {
        Thread.currentThread().interrupt();
      }
    }
    backlog = from.left();
    return true;
  }

  /** Sends one event until it is accepted; false when the sink wants no more. */
  private boolean deliver(byte[] line, OutboxReader from) throws IOException, InterruptedException {
    UsageEvent event = UsageEvent.parse(line);
    if (event == null) {
      if (line.length > 0) {
        LOG.warn("a line of the outbox is not an event and is skipped");
      }
      return true;
    }
    Duration wait = FIRST_WAIT;
    while (true) {
      // 0 without a reply.
      int status =
          sink.post(Signatures.of(event.id(), clock.instant(), CONTENT_TYPE, line, secrets), line);
      if (status >= 200 && status <= 299) {
        failures.succeeded();
        return true;
      }
      backlog = from.left() + line.length;
      failures.failed(Diagnostics.Field.of("status", status));
      if (status == GONE) {
        // Standard Webhooks: no more is wanted. The events stay in the outbox.
        LOG.error("the usage sink is gone (410): nothing is sent until the next start");
        return false;
      }
      Thread.sleep(wait.plusMillis(random.nextInt(1 + (int) wait.toMillis() / 4)));
      wait = wait.multipliedBy(2).compareTo(MAX_WAIT) > 0 ? MAX_WAIT : wait.multipliedBy(2);
    }
  }

  @Override
  public void close() {
    task.close();
  }
}
