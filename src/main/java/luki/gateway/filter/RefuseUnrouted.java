package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Route;

/**
 * Refuses what leads to no operation, before anything else that may be wrong with the request. No
 * filter after this one sees such a route.
 */
public final class RefuseUnrouted implements Filter {
  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    return switch (exchange.route()) {
      case Route.Served _ -> next.handle(exchange);
      case Route.Refused(_, _, var error) -> Response.refused(error);
    };
  }
}
