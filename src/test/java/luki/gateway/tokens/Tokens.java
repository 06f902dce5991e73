package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.http.Scope;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.tokens.TokenVerifier.BearerToken;
import luki.gateway.tokens.TokenVerifier.KeySource;

/** Keys made at run time, and tokens good and bad. */
final class Tokens {
  static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");
  static final String ISSUER = "https://issuer.test";
  static final String AUDIENCE = "luki-gateway";
  static final Scope READ = new Scope("elr:read");
  static final Roles ROLES =
      new Roles(Map.of("patient", Set.of(READ)), Set.of(READ, Scope.ANY_USER));

  private Tokens() {}

  static RSAKey rsa(String id) {
    try {
      return new RSAKeyGenerator(2048).keyID(id).generate();
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  static ECKey ec(String id, Curve curve) {
    try {
      return new ECKeyGenerator(curve).keyID(id).generate();
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /** Claims of a good token, to be changed by text replacement. */
  static String claims() {
    long now = NOW.getEpochSecond();
    return "{\"iss\":\""
        + ISSUER
        + "\",\"aud\":\""
        + AUDIENCE
        + "\",\"sub\":\"maria_k\",\"iat\":"
        + now
        + ",\"exp\":"
        + (now + 600)
        + ",\"scope\":\"elr:read\"}";
  }

  static String sign(JWK key, JWSAlgorithm algorithm, String claims) {
    return sign(key, new JWSHeader.Builder(algorithm).keyID(key.getKeyID()).build(), claims);
  }

  static String signTyped(JWK key, JWSAlgorithm algorithm, String type, String claims) {
    JWSHeader header =
        new JWSHeader.Builder(algorithm)
            .keyID(key.getKeyID())
            .type(new JOSEObjectType(type))
            .build();
    return sign(key, header, claims);
  }

  static String sign(JWK key, JWSHeader header, String claims) {
    try {
      JWSObject token = new JWSObject(header, new Payload(claims));
      JWSSigner signer =
          key instanceof RSAKey rsa ? new RSASSASigner(rsa) : new ECDSASigner((ECKey) key);
      token.sign(signer);
      return token.serialize();
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  static String base64url(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  static String jwks(List<? extends JWK> keys) {
    return "{\"keys\":["
        + String.join(",", keys.stream().map(key -> key.toPublicJWK().toJSONString()).toList())
        + "]}";
  }

  static TokenVerifier verifier(KeySource keys, Instant now) {
    return new TokenVerifier(rules(now), keys, null);
  }

  static TokenVerifier.Rules rules(Instant now) {
    return new TokenVerifier.Rules(
        ISSUER, AUDIENCE, ROLES, Duration.ofSeconds(30), Clock.fixed(now, ZoneOffset.UTC));
  }

  static TokenVerifier.TokenResult verify(TokenVerifier verifier, String token) {
    BearerToken bearer = BearerToken.of(token).orElse(null);
    if (bearer == null) {
      return new TokenVerifier.TokenResult.Refused();
    }
    try {
      return verifier.verify(bearer);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new AssertionError(interrupted);
    }
  }

  /**
   * The status of a GET with these lines in its head; 431 where the gateway closes in the middle of
   * a head that is too long.
   */
  static int status(TestGateway gateway, String target, String... lines) {
    String head = "GET " + target + " HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n";
    for (String line : lines) {
      head += line + "\r\n";
    }
    String request = head + "\r\n";
    int status = RawHttpClient.statusOf(gateway.port(), request);
    if (status == RawHttpClient.CLOSED && request.length() <= 64 * 1024) {
      throw new AssertionError("closed without an answer");
    }
    return status == RawHttpClient.CLOSED ? 431 : status;
  }

  static boolean accepts(TokenVerifier verifier, String token) {
    return verify(verifier, token) instanceof TokenVerifier.TokenResult.Accepted;
  }
}
