package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/** An EC P-256 key that signs tokens of the gateway: from a PEM or JWK file, or made at start. */
final class SigningKey {
  /** What the file must contain, and how to make one. */
  static final String EXPECTED =
      "must name an EC P-256 private key that contains its public point, in PEM or as a JWK; `openssl"
          + " genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one";

  private static final Pattern PEM =
      Pattern.compile(
          "-----BEGIN (?:EC )?PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END (?:EC )?PRIVATE KEY-----");
  // RFC 5915 in hex, the last part of both SEC 1 and PKCS #8: version, private value, the curve
  // (which PKCS #8 names before), the uncompressed public point.
  private static final Pattern EC_PRIVATE_KEY =
      Pattern.compile(
          "0201010420([0-9a-f]{64})(?:a00a06082a8648ce3d030107)?"
              + "a14403420004([0-9a-f]{64})([0-9a-f]{64})$");

  private final ECKey key;
  private final ECDSASigner signer;

  private SigningKey(ECKey key) throws JOSEException {
    this.key =
        new ECKey.Builder(Curve.P_256, key.getX(), key.getY())
            .d(key.getD())
            .keyUse(KeyUse.SIGNATURE)
            .algorithm(JWSAlgorithm.ES256)
            .keyIDFromThumbprint()
            .build();
    this.signer = new ECDSASigner(this.key);
  }

  static SigningKey generate() {
    try {
      return new SigningKey(new ECKeyGenerator(Curve.P_256).generate());
    } catch (JOSEException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * Reads a PEM (PKCS #8 or SEC 1) or a JWK.
   *
   * @throws IllegalArgumentException it is not what is {@link #EXPECTED}
   */
  static SigningKey read(String text) {
    try {
      boolean isJwk = text.stripLeading().startsWith("{");
      SigningKey key = new SigningKey(isJwk ? ECKey.parse(text) : ofPem(text));
      // A signature that the public point verifies shows that the private value belongs to it.
      JWSObject proof = JWSObject.parse(key.sign(null, Json.object().build()));
      if (proof.verify(new ECDSAVerifier(key.key.toPublicJWK()))) {
        return key;
      }
      throw new IllegalArgumentException(EXPECTED);
    } catch (ParseException | JOSEException | IllegalStateException malformed) {
      throw new IllegalArgumentException(EXPECTED, malformed);
    }
  }

  private static ECKey ofPem(String text) {
    Matcher pem = PEM.matcher(text);
    if (!pem.find()) {
      throw new IllegalArgumentException(EXPECTED);
    }
    String der = HexFormat.of().formatHex(Base64.getMimeDecoder().decode(pem.group(1)));
    Matcher key = EC_PRIVATE_KEY.matcher(der);
    if (!key.find()) {
      throw new IllegalArgumentException(EXPECTED);
    }
    return new ECKey.Builder(Curve.P_256, number(key, 2), number(key, 3)).d(number(key, 1)).build();
  }

  private static Base64URL number(Matcher key, int group) {
    return Base64URL.encode(HexFormat.of().parseHex(key.group(group)));
  }

  /** A compact JWS with exactly these claims. */
  String sign(@Nullable String type, Json claims) {
    JWSHeader.Builder header = new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(key.getKeyID());
    if (type != null) {
      header.type(new JOSEObjectType(type));
    }
    try {
      JWSObject token = new JWSObject(header.build(), new Payload(claims.toString()));
      token.sign(signer);
      return token.serialize();
    } catch (JOSEException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** The private key as a JWK, to store it. */
  String toPrivateJwk() {
    return key.toJSONString();
  }

  /** The public keys as a JWK Set (RFC 7517). */
  static byte[] publicSet(List<SigningKey> keys) {
    List<JWK> open = keys.stream().<JWK>map(one -> one.key.toPublicJWK()).toList();
    return new JWKSet(open).toString(true).getBytes(StandardCharsets.UTF_8);
  }
}
