package luki.gateway.filter;

import java.util.Set;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Response;
import luki.http1.Fields;

/** The Fetch standard's CORS protocol for exact origins, never with credentials. */
public record Cors(Set<String> origins) implements Filter {
  private static final String EXPOSED =
      "X-Request-Id, X-Trace-Id, RateLimit, RateLimit-Policy, Retry-After";
  private static final String ALLOWED_HEADERS =
      "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key, X-Request-Id,"
          + " traceparent";

  public Cors {
    origins = Set.copyOf(origins);
  }

  @Override
  public Response apply(Exchange exchange, Next next) {
    Response response = next.handle(exchange);
    if (origins.isEmpty()) {
      return response;
    }
    String vary = response.headers().only("Vary");
    Response varied = response.with("Vary", vary == null ? "Origin" : vary + ", Origin");
    Fields request = exchange.request().headers();
    String origin = request.only("Origin");
    if (origin == null || !origins.contains(origin)) {
      return varied;
    }
    Response allowed =
        varied.with(
            Fields.of(
                "Access-Control-Allow-Origin", origin,
                "Access-Control-Expose-Headers", EXPOSED));
    String methods = response.headers().only("Allow");
    boolean preflight =
        exchange.request().method() == Method.OPTIONS
            && request.has("Access-Control-Request-Method");
    if (!preflight || methods == null) {
      return allowed;
    }
    return allowed.with(
        Fields.of(
            "Access-Control-Allow-Methods", methods,
            "Access-Control-Allow-Headers", ALLOWED_HEADERS,
            "Access-Control-Max-Age", "600"));
  }
}
