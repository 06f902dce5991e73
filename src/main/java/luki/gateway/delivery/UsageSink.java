package luki.gateway.delivery;

import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import luki.gateway.config.Settings;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Diagnostics;
import luki.gateway.upstream.Engines;
import luki.gateway.upstream.MessageSender;

/**
 * Delivers what stands in an outbox: one event after another, each until it was taken, so in order
 * and at least once. How far it got survives the process; what was delivered after the last note of
 * that is delivered again, with the same id.
 */
public final class UsageSink implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("usage");
  private static final Duration LOOK = Duration.ofMillis(100);
  private static final Duration NOTE = Duration.ofMillis(500);
  private static final Duration AGAIN = Duration.ofSeconds(5);
  private static final Duration FIRST_WAIT = Duration.ofMillis(500);
  private static final Duration MAX_WAIT = Duration.ofMinutes(1);
  private static final int GONE = 410;

  private final Outbox outbox;
  private final MessageSender sender;
  private final WebhookSignature signature;
  private final Clock clock;
  private final RandomGenerator random;
  private final Thread thread;
  private volatile long backlog;
  private volatile boolean disabled;
  private volatile boolean closing;

  public UsageSink(
      Outbox outbox,
      URI address,
      List<Settings.Secret> secrets,
      Engines engines,
      Clock clock,
      RandomGenerator random) {
    this.outbox = outbox;
    this.sender = new MessageSender(address, engines);
    this.signature = new WebhookSignature(secrets);
    this.clock = clock;
    this.random = random;
    this.thread = Thread.ofVirtual().name("usage-sink").start(this::run);
  }

  /** Bytes that are written and not taken. */
  public long backlog() {
    return backlog;
  }

  private void run() {
    try {
      while (!closing && !disabled) {
        try (OutboxReader reader = OutboxReader.atPosition(outbox.segments())) {
          deliver(reader);
        } catch (IOException | RuntimeException failure) {
          // Such as a full disk: it is tried again from the last note.
          LOG.error("usage events are not delivered", Diagnostics.Field.of("cause", failure));
          Thread.sleep(AGAIN);
        }
      }
    } catch (InterruptedException closed) {
      // close() was called.
    }
  }

  private void deliver(OutboxReader reader) throws IOException, InterruptedException {
    long noted = System.nanoTime();
    boolean unnoted = false;
    try {
      while (!closing && !disabled) {
        byte[] line = reader.next();
        if (line != null) {
          deliver(line, reader);
          unnoted = !disabled;
        }
        if (unnoted && (line == null || System.nanoTime() - noted > NOTE.toNanos())) {
          reader.commit();
          unnoted = false;
          noted = System.nanoTime();
          backlog = reader.left();
        }
        if (line == null) {
          backlog = reader.left();
          Thread.sleep(LOOK);
        }
      }
    } finally {
      if (unnoted) {
        reader.commit();
      }
    }
  }

  private void deliver(byte[] line, OutboxReader reader) throws IOException, InterruptedException {
    String id = idOf(line);
    if (id.isEmpty()) {
      if (line.length > 0) {
        LOG.warn("a line of the outbox is no event and was left out");
      }
      return;
    }
    Duration wait = FIRST_WAIT;
    boolean told = false;
    while (true) {
      int status = send(id, line);
      if (status >= 200 && status <= 299) {
        if (told) {
          LOG.info("the usage sink takes events again");
        }
        return;
      }
      backlog = reader.left() + line.length;
      if (!told) {
        LOG.warn("the usage sink takes no events", Diagnostics.Field.of("status", status));
        told = true;
      }
      if (status == GONE) {
        // Standard Webhooks: no more is wanted. What is here stays here.
        LOG.error("the usage sink is gone (410): nothing is sent until the next start");
        disabled = true;
        return;
      }
      Thread.sleep(wait.plusMillis(random.nextInt(1 + (int) wait.toMillis() / 4)));
      wait = wait.multipliedBy(2).compareTo(MAX_WAIT) > 0 ? MAX_WAIT : wait.multipliedBy(2);
    }
  }

  private static String idOf(byte[] line) {
    try {
      return UsageEvent.of(Json.parse(line)).id();
    } catch (InvalidJson | IllegalArgumentException torn) {
      return "";
    }
  }

  /** The status; 0 when there was none. */
  private int send(String id, byte[] body) throws InterruptedException {
    Instant now = clock.instant();
    return sender.post(
        Map.of(
            "Content-Type",
            "application/cloudevents+json",
            "webhook-id",
            id,
            "webhook-timestamp",
            Long.toString(now.getEpochSecond()),
            "webhook-signature",
            signature.of(id, now, body)),
        body);
  }

  @Override
  public void close() {
    closing = true;
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    sender.close();
  }
}
