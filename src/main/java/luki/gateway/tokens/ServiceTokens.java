package luki.gateway.tokens;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import luki.gateway.config.Problems;
import luki.gateway.config.Settings;
import luki.gateway.config.Variable;
import luki.gateway.http.Body;
import luki.gateway.http.BoundedCache;
import luki.gateway.http.Exchange;
import luki.gateway.http.Policy.Access;
import luki.gateway.http.Principal;
import luki.gateway.http.Upstream;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.gateway.upstream.Upstreams;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's own tokens: ES256, valid for a minute, for one service and one caller. A token is
 * reused for half of its life, since a signature costs more than the rest of a call.
 */
public final class ServiceTokens implements Upstreams.Credentials {
  private static final String ISSUER = "luki-gateway";
  private static final Duration LIFE = Duration.ofSeconds(60);
  private static final int MAX_CACHED = 50_000;

  private final SigningKey key;
  private final Body published;
  private final Clock clock;
  private final BoundedCache<For, Minted> minted;

  private ServiceTokens(SigningKey key, @Nullable SigningKey previous, Clock clock) {
    this.key = key;
    this.clock = clock;
    this.minted = new BoundedCache<>(MAX_CACHED, old -> !clock.instant().isBefore(old.reuseUntil));
    this.published =
        Body.of(SigningKey.publicSet(previous == null ? List.of(key) : List.of(key, previous)));
  }

  /** With the keys that the settings name, or a new one. */
  public static ServiceTokens of(Settings settings, Clock clock, Problems problems) {
    SigningKey current = key(settings.signingKey(), Variable.SERVICE_TOKEN_KEY_PATH, problems);
    SigningKey previous =
        key(settings.previousSigningKey(), Variable.SERVICE_TOKEN_PREVIOUS_KEY_PATH, problems);
    return new ServiceTokens(current == null ? SigningKey.generate() : current, previous, clock);
  }

  private static @Nullable SigningKey key(@Nullable Path file, Variable name, Problems problems) {
    return Identity.keys(file, SigningKey::read, name, SigningKey.EXPECTED, problems);
  }

  /** The public keys as a JWK Set (RFC 7517). */
  public Body published() {
    return published;
  }

  /** Without the time of the consent: a reused token has the time of the first answer. */
  private record For(
      Upstream audience,
      Principal caller,
      @Nullable UserId user,
      Access access,
      @Nullable List<String> consentScopes,
      boolean consentAllowed) {}

  private record Minted(Fields authorization, Instant reuseUntil) {}

  @Override
  public Fields authorizationFor(Upstream audience, Exchange exchange) {
    Exchange.ConsentGiven consent = exchange.consent();
    For whom =
        new For(
            audience,
            exchange.principal(),
            exchange.subject(),
            exchange.policy().access(),
            consent == null ? null : consent.scopes(),
            consent != null && consent.allowed());
    Instant now = clock.instant();
    Minted known = minted.get(whom);
    if (known != null && now.isBefore(known.reuseUntil)) {
      return known.authorization;
    }
    Fields authorization = Fields.of("Authorization", "Bearer " + mint(whom, consent, now));
    minted.put(whom, new Minted(authorization, now.plus(LIFE.dividedBy(2))));
    return authorization;
  }

  private String mint(For whom, Exchange.@Nullable ConsentGiven consent, Instant now) {
    Json.Builder claims =
        Json.object()
            .put("iss", ISSUER)
            .put("sub", ISSUER)
            .put("aud", whom.audience.label())
            .put("iat", now.getEpochSecond())
            .put("exp", now.plus(LIFE).getEpochSecond())
            .put("jti", UUID.randomUUID().toString())
            // The scopes that the route requires, not all that the caller has.
            .put("scope", whom.access.scopes())
            .put(
                "act",
                Json.object()
                    .put("sub", whom.caller.subject())
                    .put("kind", whom.caller.kind().label()));
    if (consent != null) {
      claims.put(
          "consent",
          Json.object()
              .put("scopes", Json.strings(consent.scopes()))
              .put("allowed", consent.allowed())
              .put("at", consent.at().getEpochSecond()));
    }
    if (whom.user != null) {
      claims.put("user_id", whom.user.value());
    }
    return key.sign(TokenVerifier.ServiceCallers.TYPE, claims.build());
  }
}
