package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.time.Duration;
import luki.gateway.http.Exchange;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;

/**
 * Calls beside the bulkhead and the breaker of a service. Only their status is of interest: 0
 * without a whole reply in time.
 */
record UncountedCall(HttpClient http, OutgoingRequests outgoing, int maxReplyBytes) {
  private static final Duration MIRROR_LIMIT = Duration.ofSeconds(2);

  int health(Duration limit) throws InterruptedException {
    long by = System.nanoTime() + limit.toNanos();
    return status(outgoing.health(by), by);
  }

  /** Makes a call of another version again. */
  int mirror(Call call, Exchange exchange) throws InterruptedException {
    long by = System.nanoTime() + MIRROR_LIMIT.toNanos();
    Call copy = call.with("X-Luki-Mirror", "1");
    return status(outgoing.of(copy, exchange, exchange.trace(), by, by), by);
  }

  private int status(PreparedRequest request, long by) throws InterruptedException {
    try {
      HttpResponse<InputStream> reply = http.send(request, new TimedBody(by));
      try (InputStream body = reply.body()) {
        long _ = body.skip(maxReplyBytes);
      }
      return reply.statusCode();
    } catch (IOException | RuntimeException failed) {
      return 0;
    }
  }
}
