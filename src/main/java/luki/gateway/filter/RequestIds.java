package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.http1.Fields;

/** Adds the ids of the request to the reply. */
public final class RequestIds implements Filter {
  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    return next.handle(exchange)
        .with(
            Fields.of(
                "X-Request-Id", exchange.id().value(),
                "X-Trace-Id", exchange.trace().traceId()));
  }
}
