package luki.gateway.filter;

import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.observe.Diagnostics;

/** Renders every error. An unhandled exception is 500, with its cause in the log only. */
public final class Errors implements Filter {
  private static final Diagnostics LOG = new Diagnostics("errors");

  @Override
  public Response apply(Exchange exchange, Next next) {
    Response response = next.handle(exchange);
    ApiError refusal = response.outcome().refusal();
    if (refusal == null) {
      return response;
    }
    Response rendered =
        ErrorReply.render(
            response, refusal, exchange.trace().traceId(), exchange.route().version());
    return refusal.code() == ErrorCode.DRAINING ? rendered.with("Connection", "close") : rendered;
  }

  /** The error for an unhandled exception. */
  public static ApiError of(Exception defect) {
    if (defect instanceof InterruptedException) {
      // The process stops, or the client has left, who does not see it.
      return ApiError.retrySoon(ErrorCode.DRAINING);
    }
    LOG.error("a request failed", Diagnostics.Field.of("cause", defect));
    return ApiError.of(ErrorCode.INTERNAL);
  }
}
