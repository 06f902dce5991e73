package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.nimbusds.jose.jwk.ECKey;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SigningKeyTest {
  @TempDir Path directory;

  private static KeyPair pair(String curve) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair();
  }

  private Path pem(String kind, byte[] der) throws Exception {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return Files.writeString(
        directory.resolve("key.pem"),
        "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n");
  }

  /** RFC 5915 with the private value alone. */
  private static byte[] sec1(ECPrivateKey key) {
    String value = HexFormat.of().formatHex(key.getS().toByteArray());
    String padded = "0".repeat(64) + value;
    return HexFormat.of().parseHex("30250201010420" + padded.substring(padded.length() - 64));
  }

  @Test
  void thePublicHalfIsFoundFromThePrivateOneInBothForms() throws Exception {
    for (int i = 0; i < 5; i++) {
      KeyPair pair = pair("secp256r1");
      ECKey pkcs8 = SigningKey.read(pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
      assertEquals(pair.getPublic(), pkcs8.toECPublicKey());
      ECKey sec1 = SigningKey.read(pem("EC PRIVATE KEY", sec1((ECPrivateKey) pair.getPrivate())));
      assertEquals(pair.getPublic(), sec1.toECPublicKey());
      assertEquals(pkcs8.getKeyID(), sec1.getKeyID());
    }
  }

  @Test
  void anotherCurveAnotherKindAndNoKeyAreRefused() throws Exception {
    Path other = pem("PRIVATE KEY", pair("secp384r1").getPrivate().getEncoded());
    assertThrows(IllegalArgumentException.class, () -> SigningKey.read(other));
    KeyPair rsa = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    Path wrong = pem("PRIVATE KEY", rsa.getPrivate().getEncoded());
    assertThrows(IllegalArgumentException.class, () -> SigningKey.read(wrong));
    Path open = pem("PUBLIC KEY", pair("secp256r1").getPublic().getEncoded());
    assertThrows(IllegalArgumentException.class, () -> SigningKey.read(open));
    Path noise = pem("PRIVATE KEY", BigInteger.TEN.toByteArray());
    assertThrows(IllegalArgumentException.class, () -> SigningKey.read(noise));
  }
}
