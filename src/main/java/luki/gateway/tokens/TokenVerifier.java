package luki.gateway.tokens;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.config.GatewayFile.TokenRoles;
import luki.gateway.http.BoundedCache;
import luki.gateway.http.Principal;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import luki.gateway.http.Sha256;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.gateway.tokens.TrustedKey.KeySource;
import org.jspecify.annotations.Nullable;

/**
 * Bearer tokens to principals: end users' tokens by the issuer's keys, services' tokens by theirs.
 * The type in the header decides which rules apply, and neither is ever accepted as the other.
 */
public final class TokenVerifier {
  private static final int MAX_CACHED = 50_000;

  /** RFC 9068 §4 for access tokens; older issuers write {@code JWT} or nothing. */
  private static final Set<String> USER_TYPES = Set.of("", "jwt", "at+jwt");

  private final Rules rules;
  private final @Nullable KeySource keys;
  private final @Nullable ServiceCallers services;
  private final BoundedCache<String, Cached> cache;

  /**
   * The rules for end users' tokens of any issuer.
   *
   * @param issuer what {@code iss} must be, null where any is accepted
   */
  public record Rules(
      @Nullable String issuer,
      String audience,
      Roles roles,
      TokenRoles tokenRoles,
      Duration skew,
      Clock clock) {}

  /**
   * Makes a verifier.
   *
   * @param keys of the issuer, null where no end user's token is accepted
   * @param services null where no service's token is accepted
   */
  TokenVerifier(Rules rules, @Nullable KeySource keys, @Nullable ServiceCallers services) {
    this.rules = rules;
    this.keys = keys;
    this.services = services;
    this.cache = new BoundedCache<>(MAX_CACHED, old -> isOver(old, rules.clock.instant()));
  }

  /** The same, and for end users' tokens of another issuer too. */
  TokenVerifier withAlso(JwkSet other) {
    KeySource own = keys;
    KeySource both =
        id -> {
          List<TrustedKey> others = other.named(id);
          List<TrustedKey> owned = own == null ? List.of() : own.named(id);
          return owned == null
              ? others.isEmpty() ? null : others
              : Stream.concat(owned.stream(), others.stream()).toList();
        };
    return new TokenVerifier(rules, both, services);
  }

  /** The result of a verification. */
  public sealed interface TokenResult {
    record Accepted(Principal principal) implements TokenResult {}

    /** One that is not accepted; the reason is for operators, callers are not told. */
    record Refused(String because) implements TokenResult {}

    /** A token that was good: its signature is, and so is all else but its time. */
    record Expired(Principal principal) implements TokenResult {}

    /** A valid token of a service that the configuration does not list. */
    record Unlisted() implements TokenResult {}

    /** The issuer's keys were never loaded, or not for a day. */
    record Unavailable() implements TokenResult {}
  }

  private record Cached(TokenResult.Accepted accepted, Instant expires, long generation) {}

  private boolean isOver(Cached cached, Instant now) {
    return !now.isBefore(cached.expires.plus(rules.skew));
  }

  public TokenResult verify(BearerToken token) throws InterruptedException {
    String hash = Sha256.of(token.text());
    Instant now = rules.clock.instant();
    Cached known = cache.get(hash);
    // Before the keys are used: they may change while the signature is checked.
    long generation = keys == null ? 0 : keys.generation();
    if (known != null && known.generation == generation) {
      return at(now, known);
    }
    SignedToken signed = SignedToken.parse(token).orElse(null);
    if (signed == null) {
      return new TokenResult.Refused("it is no JWT in compact form with a plain header");
    }
    TokenResult result =
        !signed.type().equals(ServiceCallers.TYPE)
            ? ofUser(signed, now)
            : services == null
                ? new TokenResult.Refused("SERVICE_JWKS_PATH is unset")
                : services.verify(signed, now, rules.skew);
    if (result instanceof TokenResult.Accepted accepted) {
      Cached verified = new Cached(accepted, signed.expiry(), generation);
      cache.put(hash, verified);
      return at(now, verified);
    }
    return result;
  }

  /** An expired token is cached too: sent again and again it costs one signature check. */
  private TokenResult at(Instant now, Cached verified) {
    return isOver(verified, now)
        ? new TokenResult.Expired(verified.accepted.principal())
        : verified.accepted;
  }

  private TokenResult ofUser(SignedToken token, Instant now) throws InterruptedException {
    if (keys == null) {
      return new TokenResult.Refused("no issuer is configured (JWT_JWKS_URL, JWT_PUBLIC_KEY_PATH)");
    }
    if (!USER_TYPES.contains(token.type())) {
      return new TokenResult.Refused("its typ is not that of an access token");
    }
    List<TrustedKey> found = keys.named(token.keyId());
    if (found == null) {
      return new TokenResult.Unavailable();
    }
    if (found.stream().noneMatch(key -> key.verifies(token))) {
      return new TokenResult.Refused("no key of the issuer has its kid and alg and verifies it");
    }
    if (!token.hasBegun(now, rules.skew)) {
      return new TokenResult.Refused("exp is missing, or nbf or iat is in the future");
    }
    if (!token.isFor(rules.audience)) {
      return new TokenResult.Refused("aud is not JWT_AUDIENCE, which is " + rules.audience);
    }
    return rules.issuer == null || rules.issuer.equals(token.claims().at("iss").string())
        ? byClaims(token)
        : new TokenResult.Refused("iss is not JWT_ISSUER, which is " + rules.issuer);
  }

  /**
   * The claims of an end user's token to a principal. A token with a claim of another type, or with
   * a subject that is no user id, is refused. Scopes and roles add up.
   */
  private TokenResult byClaims(SignedToken token) {
    Json claims = token.claims();
    UserId subject = UserId.parse(claims.at("sub").string("")).orElse(null);
    Set<Scope> scopes = scopes(claims);
    Set<String> roles = roles(claims);
    Json plan = claims.at("plan");
    if (subject == null
        || claims.at("iss").string() == null
        || scopes == null
        || roles == null
        || !(plan.isMissing() || plan.string() != null)) {
      return new TokenResult.Refused("sub is no user id, or a claim is missing or of a wrong type");
    }
    return new TokenResult.Accepted(
        new Principal.User(
            subject.value(),
            rules.roles.expand(scopes, roles.isEmpty() ? rules.tokenRoles.defaults() : roles),
            Users.only(Set.of(subject)),
            token.expiry(),
            plan.string()));
  }

  /** The scopes of all claims that may have some; null when one is of another type. */
  private static @Nullable Set<Scope> scopes(Json claims) {
    List<String> names = new ArrayList<>();
    for (String claim : List.of("scope", "scp", "permissions")) {
      Json value = claims.at(claim);
      String text = claim.equals("permissions") ? null : value.string();
      List<String> some = text == null ? list(value) : Arrays.asList(text.split(" ", -1));
      if (some == null) {
        return null;
      }
      names.addAll(some);
    }
    return names.stream().filter(Scope::isValid).map(Scope::new).collect(Collectors.toSet());
  }

  /** The roles that it carries and may; null when a claim is of another type. */
  private @Nullable Set<String> roles(Json claims) {
    Set<String> names = new HashSet<>();
    for (String claim : rules.tokenRoles.claims()) {
      Json value = claim.startsWith("/") ? claims.pointer(claim) : claims.at(claim);
      String one = value.string();
      // Some providers write null for a user without a role.
      List<String> some = one != null ? List.of(one) : value.isAbsent() ? List.of() : list(value);
      if (some == null) {
        return null;
      }
      names.addAll(some);
    }
    names.retainAll(rules.tokenRoles.taken());
    return names;
  }

  private static @Nullable List<String> list(Json array) {
    return array.isMissing() ? List.of() : array.stringList();
  }

  /** A bearer token as a caller sent it: not verified. No text form shows it. */
  public static final class BearerToken {
    private static final int MAX_LENGTH = 8 * 1024;

    private final String text;

    private BearerToken(String text) {
      this.text = text;
    }

    /** Empty when it is longer than any token that is accepted. */
    public static Optional<BearerToken> of(String text) {
      return text.length() <= MAX_LENGTH ? Optional.of(new BearerToken(text)) : Optional.empty();
    }

    String text() {
      return text;
    }

    @Override
    public String toString() {
      return "(bearer token)";
    }
  }

  /** The internal services that may call the gateway, with tokens that they sign themselves. */
  record ServiceCallers(JwkSet keys, Map<String, GatewayFile.Caller> callers, Roles roles) {
    /** RFC 8725 §3.11: a type of its own, so that no other token can be used in its place. */
    static final String TYPE = "luki-service+jwt";

    private static final String AUDIENCE = "luki-gateway";

    ServiceCallers {
      callers = Map.copyOf(callers);
    }

    TokenResult verify(SignedToken token, Instant now, Duration skew) {
      Json claims = token.claims();
      String name = claims.at("iss").string("");
      String keyId = token.keyId();
      if (keyId == null
          || name.isEmpty()
          || !name.equals(claims.at("sub").string())
          || keys.named(keyId).stream().noneMatch(key -> key.verifies(token))
          || !token.hasBegun(now, skew)
          || !token.isFor(AUDIENCE)) {
        return new TokenResult.Refused(
            "iss, sub, aud, exp, kid or the signature is not as in a service's token");
      }
      GatewayFile.Caller caller = callers.get(name);
      if (caller == null) {
        return token.hasExpired(now, skew)
            ? new TokenResult.Refused("it has expired")
            : new TokenResult.Unlisted();
      }
      // A valid signature by another service's key does not count for this one.
      return caller.keys().contains(keyId)
          ? new TokenResult.Accepted(principal(name, caller, token.expiry()))
          : new TokenResult.Refused("its kid is a key of another service");
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
}
