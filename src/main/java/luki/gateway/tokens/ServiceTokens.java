package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.UUID;
import luki.gateway.config.Problems;
import luki.gateway.config.Settings;
import luki.gateway.config.Variable;
import luki.gateway.http.BoundedCache;
import luki.gateway.http.Exchange;
import luki.gateway.http.Policy.Access;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.http.Upstream;
import luki.gateway.http.UserId;
import luki.gateway.upstream.Credentials;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's own tokens: ES256, valid for a minute, for one service and one caller. A token is
 * reused for half of its life, since a signature costs more than the rest of a call.
 */
public final class ServiceTokens implements Credentials {
  private static final String ISSUER = "luki-gateway";
  private static final Duration LIFE = Duration.ofSeconds(60);
  private static final int MAX_CACHED = 50_000;

  private final ECKey key;
  private final ECDSASigner signer;
  private final byte[] published;
  private final Clock clock;
  private final BoundedCache<For, Minted> minted;

  private ServiceTokens(ECKey key, @Nullable ECKey previous, Clock clock) throws JOSEException {
    this.key = key;
    this.signer = new ECDSASigner(key);
    this.clock = clock;
    this.minted = new BoundedCache<>(MAX_CACHED, old -> !clock.instant().isBefore(old.reuseUntil));
    List<JWK> keys = new ArrayList<>();
    keys.add(forVerifiers(key));
    if (previous != null) {
      keys.add(forVerifiers(previous));
    }
    this.published = new JWKSet(keys).toString(true).getBytes(StandardCharsets.UTF_8);
  }

  private static JWK forVerifiers(ECKey key) {
    return new ECKey.Builder(key.toPublicJWK()).algorithm(JWSAlgorithm.ES256).build();
  }

  /** With the keys that the settings name, or a new one. */
  public static ServiceTokens of(Settings settings, Clock clock, Problems problems) {
    ECKey current = read(settings.signingKey(), Variable.SERVICE_TOKEN_KEY_PATH, problems);
    ECKey previous =
        read(settings.previousSigningKey(), Variable.SERVICE_TOKEN_PREVIOUS_KEY_PATH, problems);
    try {
      return new ServiceTokens(current == null ? SigningKey.generate() : current, previous, clock);
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  private static @Nullable ECKey read(@Nullable Path file, Variable variable, Problems problems) {
    if (file == null) {
      return null;
    }
    try {
      return SigningKey.read(file);
    } catch (IOException | IllegalArgumentException unusable) {
      problems.add(variable.name(), SigningKey.EXPECTED);
      return null;
    }
  }

  /** The public keys as a JWK Set (RFC 7517). */
  public byte[] published() {
    return published.clone();
  }

  /** Without the time of the consent: a reused token has the time of the first answer. */
  private record For(
      Upstream audience,
      Principal caller,
      @Nullable UserId user,
      Access access,
      @Nullable List<String> consentScopes,
      boolean consentAllowed) {}

  private record Minted(String token, Instant reuseUntil) {}

  @Override
  public String tokenFor(Upstream audience, Exchange exchange) {
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
      return known.token;
    }
    String token = mint(whom, consent, now);
    minted.put(whom, new Minted(token, now.plus(LIFE.dividedBy(2))));
    return token;
  }

  private String mint(For whom, Exchange.@Nullable ConsentGiven consent, Instant now) {
    JWTClaimsSet.Builder claims =
        new JWTClaimsSet.Builder()
            .issuer(ISSUER)
            .subject(ISSUER)
            .audience(whom.audience.label())
            .issueTime(Date.from(now))
            .expirationTime(Date.from(now.plus(LIFE)))
            .jwtID(UUID.randomUUID().toString())
            .claim("scope", scopeOf(whom.access))
            .claim("act", Map.of("sub", whom.caller.subject(), "kind", whom.caller.kind()));
    if (consent != null) {
      claims.claim(
          "consent",
          Map.of(
              "scopes", consent.scopes(),
              "allowed", consent.allowed(),
              "at", consent.at().getEpochSecond()));
    }
    if (whom.user != null) {
      claims.claim("user_id", whom.user.value());
    }
    JWSHeader header =
        new JWSHeader.Builder(JWSAlgorithm.ES256)
            .type(new JOSEObjectType("luki-service+jwt"))
            .keyID(key.getKeyID())
            .build();
    SignedJWT token = new SignedJWT(header, claims.build());
    try {
      token.sign(signer);
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
    return token.serialize();
  }

  /** The scopes that the route requires, not all that the caller has. */
  private static String scopeOf(Access access) {
    return switch (access) {
      case Access.Public _ -> "";
      case Access.Scoped scoped ->
          String.join(" ", new TreeSet<>(scoped.allOf().stream().map(Scope::name).toList()));
    };
  }
}
