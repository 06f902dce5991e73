package luki.gateway.filter;

import java.util.ArrayList;
import java.util.List;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.Response;
import luki.http1.Fields;

/** Validates the request against the contract's schemas. */
public final class Validate implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    List<ApiError.Detail> details = problemsOf(exchange);
    return details.isEmpty()
        ? next.handle(exchange)
        : Response.refused(new ApiError.Invalid(details));
  }

  static List<ApiError.Detail> problemsOf(Exchange exchange) {
    List<ApiError.Detail> details = new ArrayList<>(exchange.operation().rules().check(exchange));
    if (!exchange.request().method().isSafe()) {
      idempotencyKey(exchange.request().headers(), details);
    }
    return details;
  }

  /** Checked where it is of no use too: its client believes that a repeat is safe. */
  private static void idempotencyKey(Fields headers, List<ApiError.Detail> details) {
    String field = headers.first(IdempotencyKey.FIELD);
    if (field != null
        && (headers.count(IdempotencyKey.FIELD) > 1 || IdempotencyKey.parse(field) == null)) {
      ApiError.Detail wrong = new ApiError.Detail("/" + IdempotencyKey.FIELD, "pattern");
      if (!details.contains(wrong)) {
        details.add(wrong);
      }
    }
  }
}
