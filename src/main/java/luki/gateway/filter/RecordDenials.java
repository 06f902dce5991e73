package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.audit.AuditRecord;
import luki.gateway.audit.AuditTrail;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import org.jspecify.annotations.Nullable;

/**
 * Writes an audit record of each request and stream that was refused because of its caller.
 *
 * @param trail null where no audit file is configured: then every request just passes
 */
public record RecordDenials(@Nullable AuditTrail trail) implements Filter {
  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    Response response = next.handle(exchange);
    if (trail == null) {
      return response;
    }
    ApiError refusal = response.outcome().refusal();
    if (refusal != null) {
      add(trail, exchange, response, refusal.code());
      return response;
    }
    return response.onComplete(sent -> add(trail, exchange, response, sent.streamError()));
  }

  private static void add(
      AuditTrail trail, Exchange exchange, Response response, @Nullable ErrorCode code) {
    AuditRecord.Rule rule = code == null ? null : AuditRecord.ruleOf(code);
    if (code != null && rule != null) {
      trail.add(
          AuditRecord.denial(
              exchange, response.outcome().principal(), rule, code, trail.context()));
    }
  }
}
