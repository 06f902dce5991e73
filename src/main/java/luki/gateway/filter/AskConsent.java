package luki.gateway.filter;

import java.io.IOException;
import java.time.Duration;
import luki.gateway.consent.Consent;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.Response;

/** Asks for the user's consent where the contract names one, before anything is done. */
public final class AskConsent implements Filter {
  private static final Duration RETRY = Duration.ofSeconds(1);

  private final Consent consent;

  public AskConsent(Consent consent) {
    this.consent = consent;
  }

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    ConsentRule rule = exchange.policy().consent();
    if (rule == null || rule.askedBy() == ConsentRule.AskedBy.HANDLER) {
      return next.handle(exchange);
    }
    Consent.Answer answer = consent.ask(exchange, exchange.user(), rule.scopes(), rule.operation());
    return switch (answer.status()) {
      case ALLOWED ->
          next.handle(
              exchange.consented(new Exchange.ConsentGiven(rule.scopes(), true, answer.at())));
      case DENIED -> Response.refused(ApiError.of(ErrorCode.CONSENT_DENIED));
      case UNAVAILABLE -> Response.refused(ApiError.of(ErrorCode.CONSENT_UNAVAILABLE, RETRY));
    };
  }
}
