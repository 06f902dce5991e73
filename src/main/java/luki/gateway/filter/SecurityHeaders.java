package luki.gateway.filter;

import java.io.IOException;
import java.util.List;
import luki.gateway.config.Settings;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.http1.Fields;

/** What a browser must not do with a reply. A page brings its own content policy. */
public record SecurityHeaders(Settings settings) implements Filter {
  private static final Fields ALWAYS =
      Fields.of(
          "X-Content-Type-Options", "nosniff",
          "Referrer-Policy", "no-referrer",
          "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'",
          "Cache-Control", "no-store");

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    Response response = next.handle(exchange);
    Response guarded = response.withHeaders(response.headers().orElse(ALWAYS));
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
