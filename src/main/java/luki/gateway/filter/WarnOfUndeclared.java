package luki.gateway.filter;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import luki.gateway.contract.PublishedReplies;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.observe.Diagnostics;

/**
 * In dev only: warns of a reply that the published contract does not declare, once for each
 * operation and part of a reply. What is in the reply is not logged.
 */
public final class WarnOfUndeclared implements Filter {
  private static final Diagnostics LOG = new Diagnostics("contract");

  private final PublishedReplies published;
  private final Set<String> warned = ConcurrentHashMap.newKeySet();

  public WarnOfUndeclared(PublishedReplies published) {
    this.published = published;
  }

  @Override
  public Response apply(Exchange exchange, Next next) {
    Response response = next.handle(exchange);
    if (exchange.route() instanceof Route.Served route) {
      PublishedReplies.Undeclared found =
          published.in(
              exchange.request().method().name(),
              route.template(),
              response.status(),
              response.headers(),
              response.body());
      if (found != null && warned.add(route.operation().id() + " " + found.kind())) {
        LOG.warn(
            "a reply is not as the contract declares it",
            Diagnostics.Field.of("operation", route),
            Diagnostics.Field.of("part", found.kind()),
            Diagnostics.Field.of("status", response.status()));
      }
    }
    return response;
  }
}
