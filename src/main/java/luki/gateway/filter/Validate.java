package luki.gateway.filter;

import java.util.ArrayList;
import java.util.List;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.Response;
import luki.gateway.json.JsonSchema.Violation;
import luki.http1.Fields;

/** Validates the request against the contract's schemas. */
public final class Validate implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    List<Violation> details = problemsOf(exchange);
    return details.isEmpty()
        ? next.handle(exchange)
        : Response.refused(new ApiError.Invalid(details));
  }

  static List<Violation> problemsOf(Exchange exchange) {
    List<Violation> details = new ArrayList<>(exchange.operation().rules().check(exchange));
    Fields headers = exchange.request().headers();
    String key = exchange.request().method().isSafe() ? null : headers.first(IdempotencyKey.FIELD);
    // Checked where it is of no use too: its client believes that a repeat is safe.
    if (key != null
        && (headers.count(IdempotencyKey.FIELD) > 1 || IdempotencyKey.parse(key) == null)) {
      Violation wrong = new Violation("/" + IdempotencyKey.FIELD, "pattern");
      if (!details.contains(wrong)) {
        details.add(wrong);
      }
    }
    return details;
  }
}
