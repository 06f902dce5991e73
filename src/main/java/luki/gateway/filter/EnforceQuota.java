package luki.gateway.filter;

import luki.gateway.config.Plan;
import luki.gateway.delivery.Billing;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Exchange.QuotaReservation;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.Policy.Units;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.keys.KeyedHash;
import luki.gateway.observe.Label.LimitDecision;
import luki.gateway.observe.Label.LimitName;
import luki.gateway.observe.Metrics;
import org.jspecify.annotations.Nullable;

/**
 * Refuses when a quota is exceeded, and counts and bills what a call has used once its reply has
 * left. A call that got an error is free, and so is one that asked for a stream and got an error
 * instead.
 *
 * @param bills null where nothing is billed
 * @param hash as in the access log: a bill and the log name a caller alike
 */
public record EnforceQuota(
    Plan.Catalog plans, @Nullable Billing bills, KeyedHash hash, Metrics metrics)
    implements Filter {
  private static final int FIRST_ERROR = 400;

  @Override
  public Response apply(Exchange exchange, Next next) {
    if (exchange.policy().limits().meters().isEmpty()) {
      return next.handle(exchange);
    }
    QuotaReservation reservation = exchange.reservation();
    ApiError usedUp = reservation.begin();
    if (usedUp != null) {
      metrics.rateLimit(LimitName.QUOTA, LimitDecision.REFUSED);
      return Response.refused(usedUp);
    }
    Response response = next.handle(exchange);
    boolean answered =
        response.body() instanceof Body.Stream || !exchange.operation().isEventStream();
    return response.status() < FIRST_ERROR && answered
        ? response.onComplete(sent -> spend(exchange, reservation, response.status(), sent))
        : response;
  }

  private void spend(Exchange exchange, QuotaReservation reservation, int status, Delivery sent) {
    Units used = reservation.used();
    // With a key the client can have the reply later, and that is free.
    boolean lost = !sent.isAnswered() && IdempotencyKey.of(exchange) == null;
    if (used.isNone()) {
      // A job counts when its call is made, which is a request of its own.
      return;
    }
    boolean failed = sent.end() == Delivery.End.ABORTED || sent.streamError() != null || lost;
    if (failed && used.streamedCharacters() == 0) {
      // Nothing came after its status, or not even that.
      return;
    }
    reservation.end(used);
    if (bills != null) {
      bills.add(
          hash.nameOf(exchange.principal()),
          plans.of(exchange.principal().plan()).name(),
          exchange.operation(),
          used,
          status);
    }
  }
}
