package luki.gateway.filter;

import luki.gateway.audit.AuditTrail;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Principal;
import luki.gateway.http.Response;
import org.jspecify.annotations.Nullable;

/**
 * Writes an audit record of each request and stream that was refused because of its caller.
 *
 * @param trail null where no audit file is configured: then every request just passes
 */
public record RecordDenials(@Nullable AuditTrail trail) implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    Response response = next.handle(exchange);
    if (trail == null) {
      return response;
    }
    Principal who = response.outcome().principal();
    ApiError refusal = response.outcome().refusal();
    if (refusal != null) {
      trail.denied(exchange, who, refusal.code());
      return response;
    }
    return response.onComplete(sent -> trail.denied(exchange, who, sent.streamError()));
  }
}
