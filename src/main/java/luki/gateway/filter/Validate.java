package luki.gateway.filter;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import luki.gateway.http.ApiError;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;

/** Validates the request against the contract's schemas. */
public final class Validate implements Filter {
  private static final String IDEMPOTENCY_KEY = "Idempotency-Key";
  private static final Pattern VISIBLE = Pattern.compile("[!-~]{1,255}");

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    List<ApiError.Detail> details = problemsOf(exchange);
    return details.isEmpty()
        ? next.handle(exchange)
        : Response.refused(new ApiError.Invalid(details));
  }

  static List<ApiError.Detail> problemsOf(Exchange exchange) {
    List<ApiError.Detail> details = new ArrayList<>(exchange.operation().rules().check(exchange));
    if (!exchange.request().method().isSafe()) {
      idempotencyKey(exchange.request().headers().all(IDEMPOTENCY_KEY), details);
    }
    return details;
  }

  private static void idempotencyKey(List<String> lines, List<ApiError.Detail> details) {
    ApiError.Detail wrong = new ApiError.Detail("/" + IDEMPOTENCY_KEY, "pattern");
    boolean good =
        lines.isEmpty() || (lines.size() == 1 && VISIBLE.matcher(lines.getFirst()).matches());
    if (!good && !details.contains(wrong)) {
      details.add(wrong);
    }
  }
}
