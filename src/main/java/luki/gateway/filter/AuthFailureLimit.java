package luki.gateway.filter;

import luki.gateway.config.Settings;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.keys.KeyedHash;
import luki.gateway.limit.AuthFailures;
import luki.gateway.observe.Label.LimitName;
import luki.gateway.observe.Metrics;
import luki.http1.Fields;

/**
 * Refuses an address that has presented too many bad credentials, before another one is checked. A
 * credential that was accepted from it before is checked all the same, so that clients which share
 * an address do not lock each other out; a ticket is not, since it is good for one use. Failures
 * beyond the limit, concurrent ones too, get the same reply as a refusal: a guess never learns
 * whether it was right.
 */
public record AuthFailureLimit(
    AuthFailures failures, Settings settings, KeyedHash hash, Metrics metrics) implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    if (exchange.policy().isPublic() || failures.isOff()) {
      return next.handle(exchange);
    }
    Fields headers = exchange.request().headers();
    String credential = headers.first("Authorization");
    credential = credential == null ? headers.first("X-API-Key") : credential;
    credential = credential == null ? BrowserCredentials.inProtocol(headers) : credential;
    String client = new ClientAddress(settings).of(exchange.request());
    String address = hash.shortOf("address:" + client);
    long blocked = failures.blockedFor(address);
    if (blocked > 0 && (credential == null || !failures.wasAccepted(address, credential))) {
      return RateLimitCaller.refused(metrics, LimitName.AUTH_FAILURES, blocked);
    }
    Response response = next.handle(exchange);
    boolean unauthenticated =
        response.outcome().refusal() instanceof ApiError.Unauthenticated(boolean presented, _)
            && presented;
    boolean known = response.outcome().principal() != null;
    if (unauthenticated && !known) {
      long wait = failures.failed(address);
      return wait > 0 ? RateLimitCaller.refused(metrics, LimitName.AUTH_FAILURES, wait) : response;
    }
    if (credential != null && known && !unauthenticated) {
      failures.accepted(address, credential);
    }
    return response;
  }
}
