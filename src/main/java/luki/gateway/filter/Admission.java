package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.observe.Lifecycle;

/** Refuses new requests while the process drains or has too many in progress. */
public record Admission(Lifecycle lifecycle, int maxInFlight) implements Filter {
  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    if (exchange.policy().alwaysAdmitted()) {
      return next.handle(exchange);
    }
    int inFlight = lifecycle.begin();
    // Counted before the phase is read: a drain then sees either this request or its refusal.
    return admit(exchange, next, inFlight).onComplete(_ -> lifecycle.end());
  }

  private Response admit(Exchange exchange, Handler next, int inFlight)
      throws IOException, InterruptedException {
    if (lifecycle.phase() == Lifecycle.Phase.DRAINING) {
      return Response.refused(ApiError.retrySoon(ErrorCode.DRAINING));
    }
    if (inFlight > maxInFlight) {
      return Response.refused(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
    return next.handle(exchange);
  }
}
