package luki.gateway.tokens;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.config.GatewayFile.TokenRoles;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.tokens.TokenVerifier.BearerToken;
import luki.gateway.tokens.TokenVerifier.TokenResult;
import luki.gateway.tokens.TrustedKey.KeySource;

/** What a verifier says of a token. */
final class Tokens {
  static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");
  static final Scope READ = new Scope("elr:read");
  static final Roles ROLES =
      new Roles(Map.of("patient", Set.of(READ)), Set.of(READ, Scope.ANY_USER));
  static final TokenRoles TOKEN_ROLES =
      new TokenRoles(List.of("roles"), Set.of("patient"), Set.of());

  private Tokens() {}

  static JwkSet set(String jwks) {
    return JwkSet.ofJwks(jwks.getBytes(StandardCharsets.UTF_8)).orElseThrow();
  }

  static TokenVerifier verifier(KeySource keys, Instant now) {
    return new TokenVerifier(rules(now), keys, null);
  }

  static TokenVerifier.Rules rules(Instant now) {
    Clock clock = Clock.fixed(now, ZoneOffset.UTC);
    return new TokenVerifier.Rules(
        Forge.ISSUER, Forge.AUDIENCE, ROLES, TOKEN_ROLES, Duration.ofSeconds(30), clock);
  }

  static TokenResult verify(TokenVerifier verifier, String token) {
    BearerToken bearer = BearerToken.of(token).orElse(null);
    return bearer == null
        ? new TokenResult.Refused("")
        : Forge.unchecked(() -> verifier.verify(bearer));
  }

  static boolean accepts(TokenVerifier verifier, String token) {
    return verify(verifier, token) instanceof TokenResult.Accepted;
  }

  static boolean refuses(TokenVerifier verifier, String token) {
    return switch (verify(verifier, token)) {
      case TokenResult.Refused _, TokenResult.Expired _ -> true;
      case TokenResult.Accepted _, TokenResult.Unlisted _, TokenResult.Unavailable _ -> false;
    };
  }

  /** The caller of a token that is accepted. */
  static Principal principal(TokenVerifier verifier, String token) {
    return ((TokenResult.Accepted) verify(verifier, token)).principal();
  }
}
