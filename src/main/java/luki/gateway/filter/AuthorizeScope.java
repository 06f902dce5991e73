package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.filter.AccessPolicy.Decision;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;

/** Refuses callers without every scope that the operation requires. */
public final class AuthorizeScope implements Filter {
  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    return switch (AccessPolicy.decide(exchange.policy().access(), exchange.principal())) {
      case Decision.Permit _ -> next.handle(exchange);
      case Decision.Deny deny -> Response.refused(deny.because());
    };
  }
}
