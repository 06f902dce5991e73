package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.audit.AuditRecord;
import luki.gateway.audit.AuditTrail;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import org.jspecify.annotations.Nullable;

/** Records each request that was refused, and each stream that was ended, for who asked. */
public final class RecordDenials implements Filter {
  private final AuditTrail trail;

  public RecordDenials(AuditTrail trail) {
    this.trail = trail;
  }

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    Response response = next.handle(exchange);
    ApiError refusal = response.outcome().refusal();
    if (refusal != null) {
      add(exchange, response, refusal.code());
      return response;
    }
    return response.onComplete(sent -> add(exchange, response, sent.streamError()));
  }

  private void add(Exchange exchange, Response response, @Nullable ErrorCode code) {
    AuditRecord.Rule rule = code == null ? null : AuditRecord.ruleOf(code);
    if (code != null && rule != null) {
      trail.add(
          AuditRecord.denial(
              exchange, response.outcome().principal(), rule, code, trail.context()));
    }
  }
}
