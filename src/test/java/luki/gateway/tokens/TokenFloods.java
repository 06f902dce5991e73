package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.Curve;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;

/** Cases about the issuer's keys: each has an issuer and a gateway of its own. */
final class TokenFloods {
  private static final int FLOOD = 10_000;

  private TokenFloods() {}

  private static IssuerFixture with(String first) {
    return IssuerFixture.ready(new AtomicReference<>(IssuerFixture.ok(first)));
  }

  static void unknownKeysCostOneFetch(Forge forge) {
    try (IssuerFixture setting = with(forge.jwks())) {
      int before = setting.issuer.connections();
      String tail = forge.good("ES256");
      String rest = tail.substring(tail.indexOf('.'));
      Client caller = new Client(setting.gateway, null);
      for (int i = 0; i < FLOOD; i++) {
        String token = Tokens.base64url("{\"alg\":\"ES256\",\"kid\":\"k" + i + "\"}") + rest;
        caller.get(IssuerFixture.OWN, "Authorization", "Bearer " + token).expect(401);
      }
      assertTrue(setting.issuer.connections() - before <= 1);
      assertEquals(200, setting.status(forge.good("ES256")));
    }
  }

  static void doubtfulKeysAreLeftOut(Forge forge) throws Exception {
    String good = forge.ec.toPublicJWK().toJSONString();
    String other = forge.ec384.toPublicJWK().toJSONString();
    List<String> doubtful = new ArrayList<>();
    for (int bits : List.of(512, 1024)) {
      doubtful.add(rsa("weak" + bits, bits, ""));
    }
    doubtful.add(rsa("use", 2048, ",\"use\":\"enc\""));
    doubtful.add(rsa("alg", 2048, ",\"alg\":\"ES256\""));
    doubtful.add(rsa("hs", 2048, ",\"alg\":\"HS256\""));
    doubtful.add(rsa("ops", 2048, ",\"key_ops\":[\"sign\"]"));
    doubtful.add(forge.rsa.toJSONString());
    doubtful.add(Tokens.ec("twice", Curve.P_256).toPublicJWK().toJSONString());
    doubtful.add(Tokens.ec("twice", Curve.P_256).toPublicJWK().toJSONString());
    doubtful.add(
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"off\",\"x\":\""
            + Forge.base64url(new byte[32])
            + "\",\"y\":\""
            + Forge.base64url(new byte[32])
            + "\"}");
    doubtful.add(Tokens.ec("p521", Curve.P_521).toPublicJWK().toJSONString());
    doubtful.add(
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"kid\":\"x\",\"x\":\""
            + Forge.base64url(new byte[32])
            + "\"}");
    doubtful.add("{\"kty\":\"AKP\",\"kid\":\"new\",\"alg\":\"ML-DSA-44\",\"pub\":\"AA\"}");
    doubtful.add("null");
    doubtful.add("[]");
    String set = "{\"keys\":[" + String.join(",", doubtful) + "," + good + "," + other + "]}";
    JwkSet keys = JwkSet.ofJwks(set.getBytes(StandardCharsets.UTF_8)).orElseThrow();
    assertEquals(List.of("e1", "e3"), keys.keys().stream().map(TrustedKey::id).toList());
    try (IssuerFixture setting = with(set)) {
      assertEquals(200, setting.status(forge.good("ES256")));
      assertEquals(200, setting.status(forge.good("ES384")));
      assertEquals(401, setting.status(forge.good("RS256")), "its private key is published");
    }
  }

  private static String rsa(String id, int bits, String more) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(bits);
    KeyPair pair = generator.generateKeyPair();
    RSAPublicKey open = (RSAPublicKey) pair.getPublic();
    return "{\"kty\":\"RSA\",\"kid\":\""
        + id
        + "\",\"n\":\""
        + Forge.base64url(unsigned(open.getModulus().toByteArray()))
        + "\",\"e\":\"AQAB\""
        + more
        + "}";
  }

  private static byte[] unsigned(byte[] number) {
    return number[0] == 0 ? java.util.Arrays.copyOfRange(number, 1, number.length) : number;
  }

  static void secretsInASetAreNoKeys(Forge forge) {
    byte[] secret = "a secret that an issuer should never publish".getBytes(StandardCharsets.UTF_8);
    String oct =
        "{\"kty\":\"oct\",\"kid\":\"o1\",\"alg\":\"HS256\",\"k\":\""
            + Forge.base64url(secret)
            + "\"}";
    String set = "{\"keys\":[" + oct + "," + forge.ec.toPublicJWK().toJSONString() + "]}";
    try (IssuerFixture setting = with(set)) {
      String claims = Forge.json(Forge.claims());
      assertEquals(
          401, setting.status(Forge.hmac("{\"alg\":\"HS256\",\"kid\":\"o1\"}", claims, secret)));
      assertEquals(200, setting.status(forge.good("ES256")));
    }
  }

  /** 50 MB, a reply that never ends, and addresses that an issuer has no business with. */
  static void whatNeverEndsIsCutOff(Forge forge) {
    List<String> replies =
        List.of(
            "HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: file:///etc/passwd\r\n\r\n",
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                + "Location: http://169.254.169.254/latest\r\n\r\n");
    for (String head : replies) {
      AtomicReference<String> reply = new AtomicReference<>(IssuerFixture.ok(forge.jwks()));
      AtomicLong sent = new AtomicLong();
      try (IssuerFixture setting = new IssuerFixture(pouring(reply, sent))) {
        setting.gateway.awaitReady();
        reply.set(head);
        String unknown =
            forge.sign("{\"alg\":\"ES256\",\"kid\":\"n\"}", Forge.json(Forge.claims()), "ES256");
        long began = System.nanoTime();
        assertEquals(401, setting.status(unknown), head);
        long seconds = Duration.ofNanos(System.nanoTime() - began).toSeconds();
        assertTrue(seconds < 8, "waited " + seconds + " s for " + head);
        assertTrue(sent.get() < 16 * 1024 * 1024, "read " + sent.get());
        assertEquals(200, setting.status(forge.good("ES256")));
      }
    }
  }

  private static RawUpstream pouring(AtomicReference<String> reply, AtomicLong sent) {
    String piece = " ".repeat(64 * 1024);
    return RawUpstream.start(
        connection -> {
          connection.readRequest();
          String head = reply.get();
          connection.send(head);
          if (head.contains("52428800") || head.contains("chunked")) {
            String chunk = head.contains("chunked") ? "10000\r\n" + piece + "\r\n" : piece;
            while (sent.addAndGet(piece.length()) < 50 * 1024 * 1024) {
              connection.send(chunk);
            }
          }
          connection.close();
        });
  }
}
