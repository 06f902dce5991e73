package luki.gateway.filter;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.limit.LoadShedding;
import luki.gateway.observe.Lifecycle;

/** Refuses new requests while the process drains, has too many in progress or too little memory. */
public record Admission(Lifecycle lifecycle, LoadShedding shedding, int maxInFlight)
    implements Filter {
  // The stack of its thread and the small objects of a request.
  private static final int EXCHANGE_BYTES = 8 * 1024;
  private static final int MAX_RETRY_SECONDS = 3;

  @Override
  public Response apply(Exchange exchange, Next next) {
    if (exchange.policy().alwaysAdmitted()) {
      return next.handle(exchange);
    }
    int inFlight = lifecycle.begin();
    // Counted before the phase is read: a drain then sees either this request or its refusal.
    return admit(exchange, next, inFlight).onComplete(_ -> lifecycle.end());
  }

  private Response admit(Exchange exchange, Next next, int inFlight) {
    boolean isPart = exchange.request().isPart();
    if (!isPart && lifecycle.phase() == Lifecycle.Phase.DRAINING) {
      return Response.refused(ApiError.retrySoon(ErrorCode.DRAINING));
    }
    if ((!isPart && inFlight > maxInFlight) || !exchange.memory().tryTake(EXCHANGE_BYTES)) {
      return overloaded();
    }
    boolean stream = exchange.operation().isEventStream();
    try {
      return shedding.begin(stream) || isPart ? next.handle(exchange) : overloaded();
    } finally {
      shedding.end();
    }
  }

  /** Those that are refused together should not come back together. */
  private static Response overloaded() {
    int seconds = ThreadLocalRandom.current().nextInt(1, MAX_RETRY_SECONDS + 1);
    return Response.refused(ApiError.of(ErrorCode.OVERLOADED, Duration.ofSeconds(seconds)));
  }
}
