package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.RSAKey;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Makes tokens down to their bytes: any header, any claims, any signature. */
final class Forge {
  static final String ISSUER = "https://issuer.test";

  final RSAKey rsa = Tokens.rsa("r1");
  final ECKey ec = Tokens.ec("e1", Curve.P_256);
  final ECKey ec384 = Tokens.ec("e3", Curve.P_384);
  final KeyPair ed = ed25519();

  /** Claims as JSON text by name, in order; a good set to begin with. */
  static Map<String, String> claims() {
    long now = Instant.now().getEpochSecond();
    Map<String, String> claims = new LinkedHashMap<>();
    claims.put("iss", "\"" + ISSUER + "\"");
    claims.put("aud", "\"luki-gateway\"");
    claims.put("sub", "\"maria_k\"");
    claims.put("iat", Long.toString(now));
    claims.put("exp", Long.toString(now + 600));
    claims.put("scope", "\"elr:read\"");
    return claims;
  }

  static String with(String name, String json) {
    Map<String, String> claims = claims();
    claims.put(name, json);
    return json(claims);
  }

  static String without(String name) {
    Map<String, String> claims = claims();
    claims.remove(name);
    return json(claims);
  }

  static String json(Map<String, String> members) {
    StringBuilder text = new StringBuilder("{");
    members.forEach(
        (name, value) ->
            text.append(text.length() > 1 ? "," : "")
                .append('"')
                .append(name)
                .append("\":")
                .append(value));
    return text.append('}').toString();
  }

  /** Good in every way. */
  String good(String algorithm) {
    return sign(header(algorithm), json(claims()), algorithm);
  }

  String of(String claims) {
    return sign(header("ES256"), claims, "ES256");
  }

  String header(String algorithm) {
    String id =
        switch (algorithm) {
          case "RS256", "PS256" -> "r1";
          case "ES384" -> "e3";
          case "EdDSA" -> "d1";
          default -> "e1";
        };
    return "{\"alg\":\"" + algorithm + "\",\"kid\":\"" + id + "\"}";
  }

  /** Signed by the key for that algorithm, whatever the header says. */
  String sign(String header, String claims, String algorithm) {
    return sign(header, claims, algorithm, key(algorithm));
  }

  static String sign(String header, String claims, String algorithm, PrivateKey key) {
    String input = Tokens.base64url(header) + "." + Tokens.base64url(claims);
    return input + "." + base64url(signature(algorithm, key, input));
  }

  private PrivateKey key(String algorithm) {
    try {
      return switch (algorithm) {
        case "RS256", "PS256" -> rsa.toPrivateKey();
        case "ES256" -> ec.toECPrivateKey();
        case "ES384" -> ec384.toECPrivateKey();
        case "EdDSA" -> ed.getPrivate();
        default -> throw new IllegalArgumentException(algorithm);
      };
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  static byte[] signature(String algorithm, PrivateKey key, String input) {
    try {
      Signature signature =
          Signature.getInstance(
              switch (algorithm) {
                case "RS256" -> "SHA256withRSA";
                case "PS256" -> "RSASSA-PSS";
                case "ES256" -> "SHA256withECDSAinP1363Format";
                case "ES256-DER" -> "SHA256withECDSA";
                case "ES384" -> "SHA384withECDSAinP1363Format";
                case "EdDSA" -> "Ed25519";
                default -> throw new IllegalArgumentException(algorithm);
              });
      if (algorithm.equals("PS256")) {
        signature.setParameter(
            new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
      }
      signature.initSign(key);
      signature.update(input.getBytes(StandardCharsets.US_ASCII));
      return signature.sign();
    } catch (GeneralSecurityException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  static String hmac(String header, String claims, byte[] secret) {
    String input = Tokens.base64url(header) + "." + Tokens.base64url(claims);
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      // The JDK takes no empty secret; HMAC pads with zeros, so one zero is the same key.
      mac.init(new SecretKeySpec(secret.length == 0 ? new byte[1] : secret, "HmacSHA256"));
      return input + "." + base64url(mac.doFinal(input.getBytes(StandardCharsets.US_ASCII)));
    } catch (GeneralSecurityException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  static String base64url(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static KeyPair ed25519() {
    try {
      return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (GeneralSecurityException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /** The JWK Set of all keys. */
  String jwks() {
    return "{\"keys\":["
        + String.join(
            ",",
            rsa.toPublicJWK().toJSONString(),
            ec.toPublicJWK().toJSONString(),
            ec384.toPublicJWK().toJSONString(),
            ed25519Jwk())
        + "]}";
  }

  private String ed25519Jwk() {
    EdECPublicKey open = (EdECPublicKey) ed.getPublic();
    byte[] x = new byte[32];
    byte[] y = open.getPoint().getY().toByteArray();
    // RFC 8032 §5.1.2: little-endian, the highest bit is the sign of x.
    for (int i = 0; i < y.length && i < 32; i++) {
      x[i] = y[y.length - 1 - i];
    }
    if (open.getPoint().isXOdd()) {
      x[31] |= (byte) 0x80;
    }
    return "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"d1\",\"x\":\"" + base64url(x) + "\"}";
  }
}
