package luki.gateway.filter;

import java.util.List;
import luki.gateway.consent.Consent;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Response;

/** Refuses without the user's consent, where the contract asks for it before the handler. */
public record CheckConsent(Source consent) implements Filter {
  /** Answers whether the user has consented: the security service, or `explain`. */
  @FunctionalInterface
  public interface Source {
    Consent.Answer ask(Exchange exchange, List<String> scopes, String operation)
        throws InterruptedException;
  }

  @Override
  public Response apply(Exchange exchange, Next next) throws InterruptedException {
    ConsentRule rule = exchange.policy().consent();
    if (rule == null || rule.askedBy() == ConsentRule.AskedBy.HANDLER) {
      return next.handle(exchange);
    }
    Consent.Answer answer = consent.ask(exchange, rule.scopes(), rule.operation());
    return switch (answer.status()) {
      case ALLOWED ->
          next.handle(
              exchange.consented(new Exchange.ConsentGiven(rule.scopes(), true, answer.at())));
      case DENIED -> Response.refused(ApiError.of(ErrorCode.CONSENT_DENIED));
      case UNAVAILABLE -> Response.refused(ApiError.retrySoon(ErrorCode.CONSENT_UNAVAILABLE));
    };
  }
}
