package luki.gateway.filter;

import luki.gateway.audit.AuditRecord.Decision;
import luki.gateway.audit.AuditTrail;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * Writes an audit record of each scope that a request grants or revokes. With an error's code in it
 * the change may have been made or not.
 *
 * @param trail null where no audit file is configured: then every request just passes
 */
public record RecordConsentChanges(@Nullable AuditTrail trail) implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    Response response = next.handle(exchange);
    if (trail == null || !(exchange.served().handler() instanceof Handler.ChangesConsent)) {
      return response;
    }
    ApiError refusal = response.outcome().refusal();
    ErrorCode code = refusal == null ? null : refusal.code();
    if (code != ErrorCode.INVALID_REQUEST) {
      for (Json grant : exchange.json().at("grants").items()) {
        trail.consentChanged(exchange, Decision.GRANT, grant.at("scope"), code);
      }
      for (Json scope : exchange.json().at("revokes").items()) {
        trail.consentChanged(exchange, Decision.REVOKE, scope, code);
      }
    }
    return response;
  }
}
