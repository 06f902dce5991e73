package luki.gateway.upstream;

import java.util.concurrent.atomic.AtomicBoolean;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Metrics;
import luki.gateway.upstream.CircuitBreaker.CallResult;

/**
 * Bounds the calls to a service, over HTTP or of a door of its own: places for calls in flight, of
 * which no caller takes more than its share, and circuit breakers.
 */
public record ServiceGuard(
    Upstream who, Metrics metrics, ServiceBreakers breakers, Bulkhead calls, Bulkhead streams) {
  public ServiceGuard(Upstream who, GatewayFile file, Metrics metrics) {
    this(
        who,
        metrics,
        new ServiceBreakers(file.breaker()),
        new Bulkhead(file.service(who).maxConcurrent(), file.fairShare()),
        new Bulkhead(file.streams().maxOpen(), file.fairShare()));
  }

  /** For another configuration: what its numbers do not change stays as it is. */
  public ServiceGuard with(GatewayFile file) {
    return new ServiceGuard(
        who,
        metrics,
        breakers.with(file.breaker()),
        calls.with(file.service(who).maxConcurrent(), file.fairShare()),
        streams.with(file.streams().maxOpen(), file.fairShare()));
  }

  /** Whether a circuit breaker is open or half-open. */
  public boolean isTripped() {
    return breakers.isAnyTripped();
  }

  /**
   * Admits a call.
   *
   * @param streaming it counts among the open streams, not the calls
   * @throws ApiException there is no place, or the circuit breaker is open
   */
  public Admitted admit(Exchange exchange, boolean streaming) {
    Bulkhead places = streaming ? streams : calls;
    int place = places.enter(exchange.principal());
    if (place < 0) {
      throw new ApiException(Bulkhead.refusal(place, who, metrics, 0));
    }
    ServiceBreakers.Permit permit = breakers.tryAcquire(Method.POST, exchange);
    if (permit == null) {
      places.leave(place);
      throw new ApiException(circuitOpen());
    }
    return new Admitted(places, place, permit);
  }

  ApiError circuitOpen() {
    return new ApiError.FromUpstream(
        who, ErrorCode.DOWNSTREAM_CIRCUIT_OPEN, breakers.service.retryAfter());
  }

  /** A call that was admitted. */
  public static final class Admitted {
    private final Bulkhead places;
    private final int place;
    private final ServiceBreakers.Permit permit;
    private final AtomicBoolean ended = new AtomicBoolean();

    private Admitted(Bulkhead places, int place, ServiceBreakers.Permit permit) {
      this.places = places;
      this.place = place;
      this.permit = permit;
    }

    /** The call is over; only the first time counts. */
    public void end(CallResult result) {
      if (!ended.getAndSet(true)) {
        permit.end(result);
        places.leave(place);
      }
    }
  }
}
