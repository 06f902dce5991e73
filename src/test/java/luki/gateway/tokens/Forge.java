package luki.gateway.tokens;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Makes keys, and tokens down to their bytes: any header, any claims, any signature. */
public final class Forge {
  static final String ISSUER = "https://issuer.test";
  static final String AUDIENCE = "luki-gateway";

  final RSAKey rsa = rsa("r1");
  final ECKey ec = ec("e1");
  final ECKey ec384 = ec("e3", Curve.P_384);
  private final KeyPair ed =
      unchecked(() -> KeyPairGenerator.getInstance("Ed25519").generateKeyPair());

  static <T> T unchecked(Callable<T> value) {
    try {
      return value.call();
    } catch (Exception cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  static RSAKey rsa(String id) {
    return unchecked(() -> new RSAKeyGenerator(2048).keyID(id).generate());
  }

  static ECKey ec(String id) {
    return ec(id, Curve.P_256);
  }

  static ECKey ec(String id, Curve curve) {
    return unchecked(() -> new ECKeyGenerator(curve).keyID(id).generate());
  }

  /** Claims as JSON text by name, in order; a good set to begin with. */
  public static Map<String, String> claims(Instant issued) {
    Map<String, String> claims = new LinkedHashMap<>();
    claims.put("iss", text(ISSUER));
    claims.put("aud", text(AUDIENCE));
    claims.put("sub", text("maria_k"));
    claims.put("iat", Long.toString(issued.getEpochSecond()));
    claims.put("exp", Long.toString(issued.getEpochSecond() + 600));
    claims.put("scope", text("elr:read"));
    return claims;
  }

  static String claims() {
    return json(claims(Instant.now()));
  }

  /** Good claims with another value of one. */
  static String with(String name, String json) {
    Map<String, String> claims = claims(Instant.now());
    claims.put(name, json);
    return json(claims);
  }

  static String without(String name) {
    Map<String, String> claims = claims(Instant.now());
    claims.remove(name);
    return json(claims);
  }

  public static String text(String value) {
    return "\"" + value + "\"";
  }

  public static String json(Map<String, String> members) {
    return members.entrySet().stream()
        .map(member -> text(member.getKey()) + ":" + member.getValue())
        .collect(Collectors.joining(",", "{", "}"));
  }

  /** Good in every way. */
  String good(String algorithm) {
    return sign(header(algorithm), claims(), algorithm);
  }

  /** By a good header and a good signature. */
  String of(String claims) {
    return sign(header("ES256"), claims, "ES256");
  }

  static String header(String algorithm) {
    return header(
        algorithm,
        switch (algorithm) {
          case "RS256", "PS256" -> "r1";
          case "ES384" -> "e3";
          case "EdDSA" -> "d1";
          default -> "e1";
        });
  }

  static String header(String algorithm, String keyId) {
    return "{\"alg\":\"" + algorithm + "\",\"kid\":\"" + keyId + "\"}";
  }

  /** Signed by the key for that algorithm, whatever the header says. */
  public String sign(String header, String claims, String algorithm) {
    return sign(header, claims, algorithm, key(algorithm));
  }

  /** A token of that key. */
  static String by(ECKey key, String claims) {
    return by(key, header("ES256", key.getKeyID()), claims);
  }

  static String by(ECKey key, String header, String claims) {
    return sign(header, claims, "ES256", unchecked(key::toECPrivateKey));
  }

  private static String sign(String header, String claims, String algorithm, PrivateKey key) {
    String input = base64url(header) + "." + base64url(claims);
    return input + "." + base64url(signature(algorithm, key, input));
  }

  private PrivateKey key(String algorithm) {
    return unchecked(
        () ->
            switch (algorithm) {
              case "RS256", "PS256" -> rsa.toPrivateKey();
              case "ES384" -> ec384.toECPrivateKey();
              case "EdDSA" -> ed.getPrivate();
              default -> ec.toECPrivateKey();
            });
  }

  static byte[] signature(String algorithm, PrivateKey key, String input) {
    return unchecked(
        () -> {
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
        });
  }

  static String hmac(String header, byte[] secret) {
    return hmac(header, claims(), secret);
  }

  public static String hmac(String header, String claims, byte[] secret) {
    String input = base64url(header) + "." + base64url(claims);
    // The JDK takes no empty secret; HMAC pads with zeros, so one zero is the same key.
    var key = new SecretKeySpec(secret.length == 0 ? new byte[1] : secret, "HmacSHA256");
    return unchecked(
        () -> {
          Mac mac = Mac.getInstance("HmacSHA256");
          mac.init(key);
          return input + "." + base64url(mac.doFinal(input.getBytes(StandardCharsets.US_ASCII)));
        });
  }

  /** The forms of the RSA key's public half that an attacker can use as a secret. */
  List<byte[]> publicForms() {
    byte[] der = unchecked(() -> rsa.toRSAPublicKey().getEncoded());
    String pem =
        "-----BEGIN PUBLIC KEY-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
            + "\n-----END PUBLIC KEY-----";
    Stream<String> texts = Stream.of(pem, pem + "\n", open(rsa), jwks());
    Stream<byte[]> bytes = texts.map(form -> form.getBytes(StandardCharsets.UTF_8));
    return Stream.concat(bytes, Stream.of(der, new byte[32])).toList();
  }

  static String base64url(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** Without a signature. */
  public static String unsigned(String algorithm, String claims) {
    return base64url("{\"alg\":\"" + algorithm + "\"}") + "." + base64url(claims) + ".";
  }

  static String base64url(String text) {
    return base64url(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The JSON of a key's public half. */
  static String open(JWK key) {
    return key.toPublicJWK().toJSONString();
  }

  static String jwks(String... keys) {
    return "{\"keys\":[" + String.join(",", keys) + "]}";
  }

  static String jwks(ECKey... keys) {
    return jwks(Arrays.stream(keys).map(Forge::open).toArray(String[]::new));
  }

  /** The JWK Set of all keys. */
  String jwks() {
    // RFC 8410 §4: the point of RFC 8032 is the end of the encoded key.
    byte[] encoded = ed.getPublic().getEncoded();
    String x = base64url(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length));
    String edKey = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"d1\",\"x\":\"" + x + "\"}";
    return jwks(open(rsa), open(ec), open(ec384), edKey);
  }
}
