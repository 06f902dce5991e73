package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECFieldFp;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** EC P-256 keys that sign the gateway's own tokens, read from PEM or made at start. */
final class SigningKey {
  private static final Pattern PEM =
      Pattern.compile(
          "-----BEGIN (EC )?PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END (EC )?PRIVATE KEY-----");
  // RFC 5958 with RFC 5480's id-ecPublicKey and secp256r1, up to the length of the SEC 1 key.
  private static final String PKCS8_HEAD = "020100301306072a8648ce3d020106082a8648ce3d030107";
  private static final int COORDINATE_BITS = 256;

  private SigningKey() {}

  static ECKey generate() {
    try {
      return new ECKeyGenerator(Curve.P_256)
          .keyUse(KeyUse.SIGNATURE)
          .keyIDFromThumbprint(true)
          .generate();
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /**
   * Reads PKCS #8 or SEC 1.
   *
   * @throws IllegalArgumentException it is not an EC P-256 private key
   */
  static ECKey read(Path file) throws IOException {
    Matcher pem = PEM.matcher(Files.readString(file));
    if (!pem.find()) {
      throw new IllegalArgumentException("not a private key in PEM");
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
      byte[] pkcs8 = pem.group(1) == null ? der : wrapped(der);
      if (!(KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8))
              instanceof ECPrivateKey key)
          || key.getParams().getOrder().bitLength() != COORDINATE_BITS) {
        throw new IllegalArgumentException("not an EC P-256 key");
      }
      ECPoint point = multiply(key.getParams(), key.getS());
      ECPublicKeySpec open = new ECPublicKeySpec(point, key.getParams());
      ECPublicKey publicKey = (ECPublicKey) KeyFactory.getInstance("EC").generatePublic(open);
      return new ECKey.Builder(Curve.P_256, publicKey)
          .privateKey(key)
          .keyUse(KeyUse.SIGNATURE)
          .keyIDFromThumbprint()
          .build();
    } catch (GeneralSecurityException | JOSEException malformed) {
      throw new IllegalArgumentException("not an EC P-256 key", malformed);
    }
  }

  private static byte[] wrapped(byte[] sec1) {
    String octets = "04" + length(sec1.length) + HexFormat.of().formatHex(sec1);
    String inner = PKCS8_HEAD + octets;
    return HexFormat.of().parseHex("30" + length(inner.length() / 2) + inner);
  }

  private static String length(int bytes) {
    return bytes < 0x80
        ? HexFormat.of().toHexDigits((byte) bytes)
        : "81" + HexFormat.of().toHexDigits((byte) bytes);
  }

  /** The public point of a private key: once at start, so it need not be fast. */
  private static ECPoint multiply(ECParameterSpec curve, BigInteger scalar) {
    BigInteger p = ((ECFieldFp) curve.getCurve().getField()).getP();
    BigInteger a = curve.getCurve().getA();
    ECPoint sum = ECPoint.POINT_INFINITY;
    for (int bit = scalar.bitLength() - 1; bit >= 0; bit--) {
      sum = add(sum, sum, a, p);
      if (scalar.testBit(bit)) {
        sum = add(sum, curve.getGenerator(), a, p);
      }
    }
    return sum;
  }

  private static ECPoint add(ECPoint left, ECPoint right, BigInteger a, BigInteger p) {
    if (left.equals(ECPoint.POINT_INFINITY)) {
      return right;
    }
    if (right.equals(ECPoint.POINT_INFINITY)) {
      return left;
    }
    BigInteger x1 = left.getAffineX();
    BigInteger y1 = left.getAffineY();
    BigInteger x2 = right.getAffineX();
    BigInteger y2 = right.getAffineY();
    if (x1.equals(x2) && y1.add(y2).mod(p).signum() == 0) {
      return ECPoint.POINT_INFINITY;
    }
    BigInteger slope =
        x1.equals(x2)
            ? x1.pow(2).multiply(BigInteger.valueOf(3)).add(a).multiply(inverse(y1.shiftLeft(1), p))
            : y2.subtract(y1).multiply(inverse(x2.subtract(x1), p));
    BigInteger x3 = slope.pow(2).subtract(x1).subtract(x2).mod(p);
    BigInteger y3 = slope.multiply(x1.subtract(x3)).subtract(y1).mod(p);
    return new ECPoint(x3, y3);
  }

  private static BigInteger inverse(BigInteger value, BigInteger p) {
    return value.mod(p).modInverse(p);
  }
}
