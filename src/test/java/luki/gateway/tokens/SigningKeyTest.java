package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.SettingsReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SigningKeyTest {
  private static final String CURVE = "06082a8648ce3d030107";
  private static final String PKCS8 = "020100301306072a8648ce3d0201" + CURVE;

  @TempDir Path directory;

  private static KeyPair pair(String curve) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair();
  }

  private static ECKey key() throws Exception {
    return new ECKeyGenerator(Curve.P_256).generate();
  }

  private Path file(String text) throws Exception {
    return Files.writeString(directory.resolve("key"), text);
  }

  private Path pem(String kind, byte[] der) throws Exception {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return file("-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n");
  }

  private Path pem(String kind, String hex) throws Exception {
    return pem(kind, HexFormat.of().parseHex(hex));
  }

  private static String hex(Base64URL number) {
    return HexFormat.of().formatHex(number.decode());
  }

  private static String der(String tag, String content) {
    int length = content.length() / 2;
    String form = length < 0x80 ? "" : "81";
    return tag + form + HexFormat.of().toHexDigits((byte) length) + content;
  }

  /** RFC 5915 as openssl writes it: with the curve in SEC 1, without it in PKCS #8. */
  private static String ecPrivateKey(Base64URL d, ECKey open, boolean curve) {
    return der(
        "30",
        "0201010420"
            + hex(d)
            + (curve ? der("a0", CURVE) : "")
            + der("a1", der("03", "0004" + hex(open.getX()) + hex(open.getY()))));
  }

  private static String pkcs8(String ecPrivateKey) {
    return der("30", PKCS8 + der("04", ecPrivateKey));
  }

  private static ECKey read(Path file) throws Exception {
    return ECKey.parse(SigningKey.read(Files.readString(file)).toPrivateJwk());
  }

  private static void refused(Path file) {
    assertThrows(IllegalArgumentException.class, () -> SigningKey.read(Files.readString(file)));
  }

  @Test
  void bothFormsOfPemAndTheJwkAreTheSameKey() throws Exception {
    for (int i = 0; i < 5; i++) {
      ECKey key = key();
      ECKey pkcs8 = read(pem("PRIVATE KEY", pkcs8(ecPrivateKey(key.getD(), key, false))));
      assertEquals(key.toECPublicKey(), pkcs8.toECPublicKey());
      assertEquals(key.toECPrivateKey(), pkcs8.toECPrivateKey());
      assertEquals(pkcs8, read(pem("EC PRIVATE KEY", ecPrivateKey(key.getD(), key, true))));
      assertEquals(pkcs8, read(file(key.toJSONString())));
      assertEquals(key.computeThumbprint().toString(), pkcs8.getKeyID());
    }
  }

  @Test
  void aPrivateValueAndAPointOfAnotherKeyAreRefused() throws Exception {
    ECKey one = key();
    ECKey other = key();
    refused(pem("EC PRIVATE KEY", ecPrivateKey(one.getD(), other, true)));
    refused(file(new ECKey.Builder(other).d(one.getD()).build().toJSONString()));
  }

  @Test
  void aPemWithoutThePublicPointIsAProblemThatSaysHowToMakeOne() throws Exception {
    byte[] withoutPoint = pair("secp256r1").getPrivate().getEncoded();
    Path pem = pem("PRIVATE KEY", withoutPoint);
    refused(pem);
    Problems problems = new Problems();
    Map<String, String> variables = Map.of("SERVICE_TOKEN_KEY_PATH", pem.toString());
    Environment environment = Environment.of(variables, directory.resolve(".env"), problems);
    ServiceTokens.of(SettingsReader.read(environment), Clock.systemUTC(), problems);
    BadConfiguration found = assertThrows(BadConfiguration.class, problems::throwIfAny);
    assertEquals(1, found.problems().size(), found.problems().toString());
    String problem = found.problems().getFirst();
    assertTrue(problem.startsWith("SERVICE_TOKEN_KEY_PATH: "), problem);
    assertTrue(problem.contains("openssl genpkey"), problem);
    assertFalse(problem.contains(Base64.getEncoder().encodeToString(withoutPoint)), problem);
  }

  @Test
  void anotherCurveAnotherKindAndNoKeyAreRefused() throws Exception {
    refused(pem("PRIVATE KEY", pair("secp384r1").getPrivate().getEncoded()));
    refused(file(new ECKeyGenerator(Curve.P_384).generate().toJSONString()));
    KeyPair rsa = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    refused(pem("PRIVATE KEY", rsa.getPrivate().getEncoded()));
    refused(pem("PUBLIC KEY", pair("secp256r1").getPublic().getEncoded()));
    refused(file(key().toPublicJWK().toJSONString()));
    refused(pem("PRIVATE KEY", BigInteger.TEN.toByteArray()));
    refused(file("{\"kty\":"));
  }
}
