package luki.gateway.tokens;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.http.Principal;
import luki.gateway.http.Principal.Users;
import luki.gateway.json.Json;

/** The internal services that may call the gateway, with tokens that they sign themselves. */
record ServiceCallers(JwkSet keys, Map<String, GatewayFile.Caller> callers, Roles roles) {
  /** RFC 8725 §3.11: a type of its own, so that no other token can be used in its place. */
  static final String TYPE = "luki-service+jwt";

  private static final String AUDIENCE = "luki-gateway";

  ServiceCallers {
    callers = Map.copyOf(callers);
  }

  TokenVerifier.TokenResult verify(SignedToken token, Instant now, Duration skew) {
    Json claims = token.claims();
    String name = claims.at("iss").string("");
    String keyId = token.keyId();
    boolean good =
        keyId != null
            && !name.isEmpty()
            && name.equals(claims.at("sub").string())
            && keys.named(keyId).stream().anyMatch(key -> key.verifies(token))
            && token.hasBegun(now, skew)
            && token.isFor(AUDIENCE);
    if (!good || keyId == null) {
      return new TokenVerifier.TokenResult.Refused();
    }
    GatewayFile.Caller caller = callers.get(name);
    if (caller == null) {
      return token.hasExpired(now, skew)
          ? new TokenVerifier.TokenResult.Refused()
          : new TokenVerifier.TokenResult.Unlisted();
    }
    // A valid signature by another service's key does not count for this one.
    return caller.keys().contains(keyId)
        ? new TokenVerifier.TokenResult.Accepted(principal(name, caller, token.expiry()))
        : new TokenVerifier.TokenResult.Refused();
  }

  /** A service acts for no user of its own: only {@code users:any} lets it act for one. */
  private Principal principal(String name, GatewayFile.Caller caller, Instant expires) {
    return new Principal.Service(
        name,
        roles.expand(caller.scopes(), caller.roles()),
        Users.only(Set.of()),
        expires,
        caller.plan());
  }
}
