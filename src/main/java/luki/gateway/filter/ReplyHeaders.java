package luki.gateway.filter;

import java.util.List;
import luki.gateway.config.Settings;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.http1.Fields;

/**
 * The ids of the request, and what a browser must not do with the reply. A page brings its own
 * content policy.
 */
public record ReplyHeaders(Settings settings) implements Filter {
  private static final Fields ALWAYS =
      Fields.of(
          "X-Content-Type-Options", "nosniff",
          "Referrer-Policy", "no-referrer",
          "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'",
          "Cache-Control", "no-store");

  @Override
  public Response apply(Exchange exchange, Next next) {
    Response response = next.handle(exchange);
    Fields ids =
        Fields.of(
            "X-Request-Id", exchange.id().value(),
            "X-Trace-Id", exchange.trace().traceId());
    Response guarded = response.withHeaders(ALWAYS.with(response.headers().with(ids)));
    return cameOverTls(exchange)
        ? guarded.with("Strict-Transport-Security", "max-age=31536000")
        : guarded;
  }

  private boolean cameOverTls(Exchange exchange) {
    List<String> proto = exchange.request().headers().all("X-Forwarded-Proto");
    return !proto.isEmpty()
        && proto.getLast().strip().equalsIgnoreCase("https")
        && settings.trusts(exchange.request().peer());
  }
}
