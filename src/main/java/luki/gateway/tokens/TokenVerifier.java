package luki.gateway.tokens;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.OptionalLong;
import luki.gateway.config.Roles;
import luki.gateway.http.BoundedCache;
import luki.gateway.http.Principal;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * Bearer tokens to principals: end users' tokens by the issuer's keys, services' tokens by theirs.
 * The type in the header decides which rules hold, and neither is ever taken for the other.
 */
public final class TokenVerifier {
  private static final int MAX_CACHED = 50_000;

  private final @Nullable Issuer users;
  private final @Nullable ServiceCallers services;
  private final UserClaims userClaims;
  private final Duration skew;
  private final Clock clock;
  private final BoundedCache<String, Cached> cache;

  /**
   * Whose tokens are taken.
   *
   * @param name what {@code iss} must say, null where any is taken (a desk without a setting)
   */
  record Issuer(KeySource keys, @Nullable String name, String audience) {}

  /**
   * What holds for end users' tokens, whoever signs them.
   *
   * @param issuer what {@code iss} must say, null where any is taken
   */
  public record Rules(
      @Nullable String issuer, String audience, Roles roles, Duration skew, Clock clock) {
    /**
     * Makes a verifier.
     *
     * @param keys of the issuer, null where no end user's token is taken
     */
    TokenVerifier verifier(@Nullable KeySource keys, @Nullable ServiceCallers services) {
      return new TokenVerifier(
          keys == null ? null : new Issuer(keys, issuer, audience),
          services,
          new UserClaims(roles),
          skew,
          clock);
    }
  }

  TokenVerifier(
      @Nullable Issuer users,
      @Nullable ServiceCallers services,
      UserClaims userClaims,
      Duration skew,
      Clock clock) {
    this.users = users;
    this.services = services;
    this.userClaims = userClaims;
    this.skew = skew;
    this.clock = clock;
    this.cache =
        new BoundedCache<>(MAX_CACHED, old -> !clock.instant().isBefore(old.expires().plus(skew)));
  }

  /** What became of a token. */
  public sealed interface TokenResult {
    record Accepted(Principal principal) implements TokenResult {}

    record Refused() implements TokenResult {}

    /** It is a service's and good, but the configuration lists no such service. */
    record Unlisted() implements TokenResult {}

    /** The issuer's keys were never loaded, or not for a day. */
    record Unavailable() implements TokenResult {}
  }

  private record Cached(Principal principal, Instant expires, long generation) {}

  public TokenResult verify(BearerToken token) throws InterruptedException {
    String hash = hashOf(token);
    Instant now = clock.instant();
    Cached known = cache.get(hash);
    if (known != null
        && now.isBefore(known.expires.plus(skew))
        && known.generation == generation()) {
      return new TokenResult.Accepted(known.principal);
    }
    SignedToken signed = SignedToken.parse(token).orElse(null);
    if (signed == null) {
      return new TokenResult.Refused();
    }
    TokenResult verdict =
        signed.type().equals(ServiceCallers.TYPE) ? ofService(signed, now) : ofUser(signed, now);
    if (verdict instanceof TokenResult.Accepted(Principal principal)) {
      remember(hash, principal, signed.claims());
    }
    return verdict;
  }

  private void remember(String hash, Principal principal, Json claims) {
    OptionalLong expires = claims.at("exp").integer();
    if (expires.isPresent()) {
      cache.put(
          hash, new Cached(principal, Instant.ofEpochSecond(expires.getAsLong()), generation()));
    }
  }

  /** A token that was good under keys that have gone is looked at again. */
  private long generation() {
    return users == null ? 0 : users.keys.generation();
  }

  private TokenResult ofUser(SignedToken token, Instant now) throws InterruptedException {
    if (users == null || !UserClaims.TYPES.contains(token.type())) {
      return new TokenResult.Refused();
    }
    return switch (users.keys.find(token.keyId())) {
      case KeySource.Lookup.Unavailable _ -> new TokenResult.Unavailable();
      case KeySource.Lookup.Found found -> {
        boolean good =
            found.keys().stream().anyMatch(key -> key.verifies(token))
                && Claims.areCurrent(token.claims(), now, skew)
                && Claims.areFor(token.claims(), users.audience)
                && (users.name == null || users.name.equals(token.claims().at("iss").string()));
        yield good
            ? userClaims
                .principal(token.claims())
                .<TokenResult>map(TokenResult.Accepted::new)
                .orElseGet(TokenResult.Refused::new)
            : new TokenResult.Refused();
      }
    };
  }

  private TokenResult ofService(SignedToken token, Instant now) {
    return services == null ? new TokenResult.Refused() : services.verify(token, now, skew);
  }

  private static String hashOf(BearerToken token) {
    try {
      byte[] bytes = token.text().getBytes(StandardCharsets.ISO_8859_1);
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /** Whether end users' tokens can be judged; where none are taken, always. */
  public boolean isReady() {
    return users == null || users.keys.isReady();
  }
}
