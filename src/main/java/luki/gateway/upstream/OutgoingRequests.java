package luki.gateway.upstream;

import java.net.URI;
import luki.gateway.config.Settings;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.TraceContext;
import luki.gateway.http.Upstream;
import luki.http1.Fields;
import luki.http1.RawClient;
import org.jspecify.annotations.Nullable;

/**
 * Makes the requests that go out to one service. Every field is listed here; nothing of the
 * caller's head is passed on, so there is nothing to strip (RFC 9110 §7.6.1).
 */
final class OutgoingRequests {
  private static final String NAME = "luki-gateway";

  private static final byte[] NOTHING = new byte[0];

  private final Upstream who;
  private final RawClient.Origin origin;
  private final Credentials credentials;
  private final Settings.@Nullable Secret secret;

  OutgoingRequests(
      Upstream who, URI base, Credentials credentials, Settings.@Nullable Secret secret) {
    this.who = who;
    this.origin = originOf(base);
    this.credentials = credentials;
    this.secret = secret;
  }

  static RawClient.Origin originOf(URI base) {
    boolean tls = "https".equalsIgnoreCase(base.getScheme());
    int port = base.getPort() >= 0 ? base.getPort() : tls ? 443 : 80;
    return new RawClient.Origin(tls, base.getHost(), port);
  }

  RawClient.Origin origin() {
    return origin;
  }

  RawClient.Request of(Call call, Exchange exchange, TraceContext trace) {
    Fields.Builder fields =
        new Fields.Builder()
            .add("User-Agent", NAME)
            .add("Accept", "application/json")
            .add("Authorization", "Bearer " + credentials.tokenFor(who, exchange))
            .add("traceparent", trace.traceparent())
            .add("X-Request-Id", exchange.id().value());
    byte[] body = Body.bytesOf(call.body());
    if (body.length > 0) {
      fields.add("Content-Type", "application/json");
    }
    if (!trace.state().isEmpty()) {
      fields.add("tracestate", trace.state());
    }
    if (secret != null) {
      fields.add("X-Internal-Secret", secret.value());
    }
    call.extra().forEach(fields::add);
    return new RawClient.Request(
        call.method().name(), call.path().toString(), fields.build(), body);
  }

  /** The light question whether the service is there. */
  RawClient.Request health() {
    return new RawClient.Request("GET", "/health", Fields.of("User-Agent", NAME), NOTHING);
  }
}
