package luki.gateway.upstream;

import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Duration;
import luki.gateway.config.Settings;
import luki.gateway.http.Deadline;
import luki.gateway.http.Downstream;
import luki.gateway.http.Exchange;
import org.jspecify.annotations.Nullable;

/**
 * Makes the requests that go out to one service. Every field is listed here; nothing of the
 * caller's head is passed on, so there is nothing to strip (RFC 9110 §7.6.1).
 */
final class OutgoingRequests {
  private static final String NAME = "luki-gateway";

  private final Downstream who;
  private final URI base;
  private final Credentials credentials;
  private final Settings.@Nullable Secret secret;

  OutgoingRequests(
      Downstream who, URI base, Credentials credentials, Settings.@Nullable Secret secret) {
    this.who = who;
    this.base = base;
    this.credentials = credentials;
    this.secret = secret;
  }

  HttpRequest of(Call call, Exchange exchange, Deadline deadline) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base.toString() + call.path()))
            .method(call.method().name(), call.body())
            .timeout(atLeastAMilli(deadline.left()))
            .setHeader("User-Agent", NAME)
            .setHeader("Accept", "application/json")
            .setHeader("Authorization", "Bearer " + credentials.tokenFor(who, exchange))
            .setHeader("traceparent", exchange.trace().traceparent())
            .setHeader("X-Request-Id", exchange.id().value());
    if (call.hasBody()) {
      request.setHeader("Content-Type", "application/json");
    }
    if (secret != null) {
      request.setHeader("X-Internal-Secret", secret.value());
    }
    call.extra().forEach(request::setHeader);
    return request.build();
  }

  /** The light question whether the service is there. */
  HttpRequest health(Duration most) {
    return HttpRequest.newBuilder(URI.create(base + "/health"))
        .timeout(most)
        .setHeader("User-Agent", NAME)
        .build();
  }

  /** The client refuses a timeout of nothing; one that has run out ends at once all the same. */
  private static Duration atLeastAMilli(Duration left) {
    return left.compareTo(Duration.ofMillis(1)) < 0 ? Duration.ofMillis(1) : left;
  }
}
