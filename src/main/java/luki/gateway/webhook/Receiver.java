package luki.gateway.webhook;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import luki.gateway.delivery.Signatures;
import luki.gateway.json.Json;
import luki.gateway.upstream.ExternalCall;
import luki.gateway.upstream.Upstreams.HttpClients;
import luki.http1.Fields;

/**
 * Pushes signed messages. Each push has a client of its own, so that no connection and no address
 * of a receiver is kept.
 *
 * @param clients makes a client for each call, which connects to public addresses only
 * @param dev http and this machine are allowed; what was added then is not called without it
 */
record Receiver(HttpClients clients, boolean dev, Clock clock) {
  private static final Duration TIMEOUT = Duration.ofSeconds(15);

  static byte[] message(String type, Instant now, Json data) {
    return Json.object()
        .put("type", type)
        .put("timestamp", now.toString())
        .put("data", data)
        .build()
        .bytes();
  }

  /** Sends a message once. A redirect is not followed, and of the reply only the status counts. */
  Webhook.Attempt push(Webhook to, String id, byte[] message) throws InterruptedException {
    Instant now = clock.instant();
    if (PublicAddresses.parse(to.url(), dev) == null) {
      return new Webhook.Attempt(id, now, 0, 0);
    }
    long began = System.nanoTime();
    Fields headers = Signatures.of(id, now, "application/json", message, to.secretsAt(now));
    ExternalCall call = new ExternalCall(URI.create(to.url()), clients, TIMEOUT);
    try {
      int status = call.post(headers, message);
      return new Webhook.Attempt(id, now, status, (System.nanoTime() - began) / 1_000_000);
    } finally {
      call.end();
    }
  }
}
