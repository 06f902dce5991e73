package luki.gateway.filter;

import java.util.Optional;
import java.util.Set;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
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
  public Response apply(Exchange exchange, Next next) {
    Optional<ApiError> denial =
        AccessPolicy.decide(exchange.policy().access(), exchange.principal());
    if (!versions.isEmpty() && denial.isEmpty()) {
      String wanted = exchange.request().headers().first(UpstreamVersion.FIELD);
      denial = AccessPolicy.decideVersion(wanted, exchange.principal(), versions);
    }
    return denial.isPresent() ? Response.refused(denial.get()) : next.handle(exchange);
  }
}
