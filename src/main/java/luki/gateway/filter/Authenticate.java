package luki.gateway.filter;

import java.util.Optional;
import java.util.Set;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Policy.Access;
import luki.gateway.http.Principal;
import luki.gateway.http.Response;
import luki.gateway.keys.ApiKeyStore;
import luki.gateway.observe.Label.AuthMethod;
import luki.gateway.observe.Label.AuthOutcome;
import luki.gateway.observe.Metrics;
import luki.gateway.tokens.TokenVerifier;
import luki.gateway.tokens.TokenVerifier.BearerToken;

/** Identifies the caller. A public operation ignores credentials. */
public record Authenticate(ApiKeyStore keys, TokenVerifier tokens, Metrics metrics)
    implements Filter {
  private static final ApiError NOT_VALID = new ApiError.Unauthenticated(true);

  @Override
  public Response apply(Exchange exchange, Next next) throws InterruptedException {
    if (exchange.policy().isPublic()) {
      return next.handle(exchange);
    }
    return switch (PresentedCredential.in(
        exchange.request().headers(), exchange.request().query())) {
      case PresentedCredential.Unsupported(var method, var outcome, ApiError because) ->
          refused(method, outcome, because);
      case PresentedCredential.Token(BearerToken token) -> byToken(token, exchange, next);
      case PresentedCredential.Key key -> {
        Optional<Principal.Key> holder = keys.verify(key.key());
        if (holder.isEmpty()) {
          yield refused(AuthMethod.API_KEY, AuthOutcome.REFUSED, NOT_VALID);
        }
        yield accepted(AuthMethod.API_KEY, holder.get(), exchange, next);
      }
    };
  }

  private Response byToken(BearerToken token, Exchange exchange, Next next)
      throws InterruptedException {
    return switch (tokens.verify(token)) {
      case TokenVerifier.TokenResult.Accepted(Principal principal) ->
          accepted(AuthMethod.BEARER, principal, exchange, next);
      case TokenVerifier.TokenResult.Refused _ ->
          refused(AuthMethod.BEARER, AuthOutcome.REFUSED, NOT_VALID);
      // Not a guess, so it has a caller: AuthFailureLimit does not count it.
      case TokenVerifier.TokenResult.Expired(Principal principal) ->
          refused(AuthMethod.BEARER, AuthOutcome.REFUSED, NOT_VALID).by(principal);
      case TokenVerifier.TokenResult.Unlisted _ ->
          refused(
              AuthMethod.BEARER,
              AuthOutcome.REFUSED,
              new ApiError.MissingScope(
                  exchange.policy().access() instanceof Access.Scoped scoped
                      ? scoped.allOf()
                      : Set.of()));
      case TokenVerifier.TokenResult.Unavailable _ ->
          refused(
              AuthMethod.BEARER,
              AuthOutcome.UNAVAILABLE,
              ApiError.retrySoon(ErrorCode.IDENTITY_UNAVAILABLE));
    };
  }

  /** Why a credential was refused; for operators, callers are not told. */
  public String whyRefused(Exchange exchange) throws InterruptedException {
    return switch (PresentedCredential.in(
        exchange.request().headers(), exchange.request().query())) {
      case PresentedCredential.Unsupported _ -> "it is mistyped or cut off";
      case PresentedCredential.Key key -> keys.whyRefused(key.key());
      case PresentedCredential.Token(BearerToken token) ->
          tokens.verify(token) instanceof TokenVerifier.TokenResult.Refused(String because)
              ? because
              : "it has expired";
    };
  }

  private Response accepted(AuthMethod method, Principal who, Exchange exchange, Next next) {
    metrics.authentication(method, AuthOutcome.ACCEPTED);
    exchange.memory().heldBy(who.limitedAs());
    return next.handle(exchange.as(who)).by(who);
  }

  private Response refused(AuthMethod method, AuthOutcome outcome, ApiError error) {
    metrics.authentication(method, outcome);
    return Response.refused(error);
  }
}
