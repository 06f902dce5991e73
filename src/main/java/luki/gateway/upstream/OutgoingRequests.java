package luki.gateway.upstream;

import java.net.URI;
import luki.gateway.config.Settings;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.TraceContext;
import luki.gateway.http.Upstream;
import luki.http1.Fields;
import luki.http1.PreparedRequest;
import org.jspecify.annotations.Nullable;

/**
 * Makes the requests that go out to one service. Every field is listed here; no field of the caller
 * is passed on, so there is none to remove (RFC 9110 §7.6.1).
 */
final class OutgoingRequests {
  private static final Fields SENDER = Fields.of("User-Agent", "luki-gateway");
  private static final Fields JSON = Fields.of("Content-Type", "application/json");

  private final Upstream who;
  private final PreparedRequest.Origin origin;
  private final Upstreams.Credentials credentials;
  private final Fields always;

  OutgoingRequests(
      Upstream who, URI base, Upstreams.Credentials credentials, Settings.@Nullable Secret secret) {
    this.who = who;
    this.origin = PreparedRequest.Origin.of(base);
    this.credentials = credentials;
    Fields common = SENDER.with("Accept", "application/json");
    this.always = secret == null ? common : common.with("X-Internal-Secret", secret.value());
  }

  /**
   * The call as a request.
   *
   * @param by the moment at which its reply must begin
   * @param end the moment after which the rest of its reply is not waited for
   */
  PreparedRequest of(Call call, Exchange exchange, TraceContext trace, long by, long end) {
    // A call's own fields take the place of the usual ones: a stream has another Accept.
    Fields usual = call.extra().size() == 0 ? always : always.with(call.extra());
    Fields.Builder fields =
        new Fields.Builder()
            .addAll(usual)
            .addAll(credentials.authorizationFor(who, exchange))
            .add("traceparent", trace.traceparent())
            .add("X-Request-Id", exchange.id().value())
            .add(
                "X-Request-Deadline-Ms",
                Long.toString(Math.max(1, (end - System.nanoTime()) / 1_000_000)));
    byte[] body = Body.bytesOf(call.body());
    if (body.length > 0) {
      fields.addAll(JSON);
    }
    if (!trace.state().isEmpty()) {
      fields.add("tracestate", trace.state());
    }
    return new PreparedRequest(
        origin, call.method().name(), call.path().text(), fields.build(), body, by);
  }

  /** A health check. */
  PreparedRequest health(long by) {
    return new PreparedRequest(origin, "GET", "/health", SENDER, new byte[0], by);
  }
}
