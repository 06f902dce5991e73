package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** EC P-256 keys that sign the gateway's own tokens: from a PEM or JWK file, or made at start. */
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

  private SigningKey() {}

  static ECKey generate() {
    try {
      return new ECKeyGenerator(Curve.P_256)
          .keyUse(KeyUse.SIGNATURE)
          .keyIDFromThumbprint(true)
          .generate();
    } catch (JOSEException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * Reads a PEM (PKCS #8 or SEC 1) or a JWK.
   *
   * @throws IllegalArgumentException it is not what is {@link #EXPECTED}
   */
  static ECKey read(Path file) throws IOException {
    String text = Files.readString(file);
    try {
      ECKey read = text.stripLeading().startsWith("{") ? ECKey.parse(text) : ofPem(text);
      ECKey key =
          new ECKey.Builder(Curve.P_256, read.getX(), read.getY())
              .d(read.getD())
              .keyUse(KeyUse.SIGNATURE)
              .keyIDFromThumbprint()
              .build();
      prove(key);
      return key;
    } catch (ParseException | JOSEException | IllegalStateException wrong) {
      throw new IllegalArgumentException(EXPECTED, wrong);
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

  /** A signature that the public point verifies shows that the private value belongs to it. */
  private static void prove(ECKey key) throws JOSEException {
    JWSObject proof = new JWSObject(new JWSHeader(JWSAlgorithm.ES256), new Payload("proof"));
    proof.sign(new ECDSASigner(key));
    if (!proof.verify(new ECDSAVerifier(key.toPublicJWK()))) {
      throw new IllegalArgumentException(EXPECTED);
    }
  }
}
