package luki.gateway.filter;

import java.io.IOException;
import java.util.Set;
import luki.gateway.filter.AccessPolicy.Decision;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.UpstreamVersion;

/**
 * Refuses callers without every scope that the operation requires, or without the one for the field
 * by which they choose a version of the services.
 *
 * @param versions that services have beside the stable one; without any the field has no meaning
 */
public record AuthorizeScope(Set<UpstreamVersion> versions) implements Filter {
  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    Decision decision = AccessPolicy.decide(exchange.policy().access(), exchange.principal());
    if (!versions.isEmpty() && decision instanceof Decision.Permit) {
      String wanted = exchange.request().headers().first(UpstreamVersion.FIELD);
      decision = AccessPolicy.decideVersion(wanted, exchange.principal(), versions);
    }
    return switch (decision) {
      case Decision.Permit _ -> next.handle(exchange);
      case Decision.Deny deny -> Response.refused(deny.because());
    };
  }
}
