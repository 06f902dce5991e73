package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.Curve;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Each case of the token corpus, over the wire, against a gateway with a real issuer. */
class TokenCorpusTest {
  private static final Path CASES = Path.of("test-fixtures/jwt/jwt-attack-cases.json");
  private static final Pattern STATUSES = Pattern.compile("\\d{3}(?:(?:/| or )\\d{3})*");

  private static final Forge FORGE = new Forge();

  @AutoClose
  private static final IssuerFixture FIXTURE =
      IssuerFixture.ready(
          new AtomicReference<>(IssuerFixture.ok(FORGE.jwks())), "JWT_CLOCK_SKEW_S", "60");

  @AutoClose
  private static final RawUpstream ELSEWHERE =
      IssuerFixture.issuer(new AtomicReference<>(IssuerFixture.ok(FORGE.jwks())));

  private static int status(String token) {
    return FIXTURE.status(token);
  }

  @TestFactory
  List<DynamicTest> everyCaseOfTheCorpus() throws IOException, InvalidJson {
    Map<String, Supplier<List<String>>> recipes = new TokenRecipes(FORGE, ELSEWHERE.url()).all();
    Map<String, Check> others = others();
    List<DynamicTest> tests = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Json one : Json.parse(Files.readAllBytes(CASES)).items()) {
      String id = one.at("id").string("");
      String expect = one.at("expect").string("");
      seen.add(id);
      Supplier<List<String>> recipe = recipes.get(id);
      Check other = others.get(id);
      tests.add(
          DynamicTest.dynamicTest(
              id,
              () -> {
                assertTrue(recipe != null || other != null, "no recipe for " + one);
                if (recipe != null) {
                  tokens(recipe.get(), expect);
                }
                if (other != null) {
                  other.run(expect);
                }
              }));
    }
    tests.add(
        DynamicTest.dynamicTest(
            "no recipe without a case",
            () -> {
              assertEquals(Set.of(), minus(recipes.keySet(), seen));
              assertEquals(Set.of(), minus(others.keySet(), seen));
            }));
    return tests;
  }

  private static Set<String> minus(Set<String> all, Set<String> some) {
    Set<String> rest = new HashSet<>(all);
    rest.removeAll(some);
    return rest;
  }

  private static void tokens(List<String> tokens, String expect) {
    assertFalse(tokens.isEmpty());
    Matcher statuses = STATUSES.matcher(expect);
    assertTrue(statuses.lookingAt(), "no status in: " + expect);
    Set<String> allowed = Set.of(statuses.group().split("/| or ", -1));
    for (String token : tokens) {
      assertTrue(allowed.contains(Integer.toString(status(token))), expect + ": " + token);
    }
  }

  /** What a case needs beside, or instead of, a status for each token. */
  @FunctionalInterface
  private interface Check {
    void run(String expect) throws Exception;
  }

  private static Map<String, Check> others() {
    Map<String, Check> checks = new LinkedHashMap<>();
    checks.put("x5u-ext", _ -> assertEquals(0, ELSEWHERE.connections()));
    checks.put("kid-crlf", _ -> logHasOneLineForEachRequest());
    checks.put("kid-unknown-flood", _ -> TokenCorpusTest.unknownKeysCostOneFetch(FORGE));
    checks.put("sub-crlf", TokenCorpusTest::subjectsWithControls);
    checks.put("sub-star", _ -> ownDataOnly());
    checks.put("hdr-two", _ -> twoAuthorizations());
    checks.put("query-token", _ -> tokensInTheQuery());
    checks.put("replay-after-rotate", _ -> aKeyThatWasTakenAway());
    checks.put("jwks-weak", _ -> TokenCorpusTest.doubtfulKeysAreLeftOut(FORGE));
    checks.put("jwks-oct", _ -> TokenCorpusTest.secretsInASetAreNoKeys(FORGE));
    checks.put("jwks-huge", _ -> TokenCorpusTest.whatNeverEndsIsCutOff(FORGE));
    return checks;
  }

  private static void logHasOneLineForEachRequest() {
    for (String line : FIXTURE.gateway.log()) {
      assertTrue(line.startsWith("{\"ts\":") && line.endsWith("}"), line);
    }
  }

  private static void subjectsWithControls(String expect) {
    assertEquals("401", expect.substring(expect.length() - 3));
    FIXTURE.services.forget();
    for (String sub : List.of("maria_k\\r\\nX-Admin: 1", "maria_k\\n", "a\\u0000b", "\\u007f")) {
      assertEquals(401, status(FORGE.of(Forge.with("sub", "\"" + sub + "\""))), sub);
    }
    assertEquals(List.of(), FIXTURE.services.calls("memory"));
  }

  private static void ownDataOnly() {
    for (String sub : List.of("*", "0", "admin", "%", "maria_k/../anna", "..")) {
      int status = status(FORGE.of(Forge.with("sub", "\"" + sub + "\"")));
      assertTrue(status == 403 || status == 401, sub + ": " + status);
    }
  }

  private static void twoAuthorizations() {
    String good = "Authorization: Bearer " + FORGE.good("ES256");
    assertEquals(200, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN, good));
    assertEquals(400, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN, good, good));
    assertEquals(
        400, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN, good, "authorization: Bearer x"));
    assertEquals(400, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN, good, "X-API-Key: " + "x"));
  }

  private static void tokensInTheQuery() throws IOException {
    String token = FORGE.good("ES256");
    for (String name : List.of("access_token", "token", "ACCESS_TOKEN", "Access%5FToken")) {
      assertEquals(
          400, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN + "?" + name + "=" + token), name);
      assertEquals(
          400,
          Tokens.status(
              FIXTURE.gateway,
              IssuerFixture.OWN + "?" + name + "=" + token,
              "Authorization: Bearer " + token));
    }
    assertTrue(
        FIXTURE.gateway.log().stream().noneMatch(line -> line.contains(token.substring(0, 40))));
  }

  private static void aKeyThatWasTakenAway() {
    Forge rotating = new Forge();
    AtomicReference<String> reply = new AtomicReference<>(IssuerFixture.ok(rotating.jwks()));
    try (IssuerFixture other = IssuerFixture.ready(reply, "JWT_CLOCK_SKEW_S", "60")) {
      String old = rotating.good("RS256");
      assertEquals(200, other.status(old));
      assertEquals(200, other.status(old), "from the cache");
      reply.set(IssuerFixture.ok(Tokens.jwks(List.of(Tokens.ec("next", Curve.P_256)))));
      String unknown =
          rotating.sign(
              "{\"alg\":\"ES256\",\"kid\":\"next\"}", Forge.json(Forge.claims()), "ES256");
      assertEquals(401, other.status(unknown));
      assertEquals(401, other.status(old));
    }
  }

  private static final int FLOOD = 10_000;

  private TokenCorpusTest() {}

  private static IssuerFixture with(String first) {
    return IssuerFixture.ready(new AtomicReference<>(IssuerFixture.ok(first)));
  }

  static void unknownKeysCostOneFetch(Forge forge) {
    try (IssuerFixture setting = with(forge.jwks())) {
      int before = setting.issuer.connections();
      String tail = forge.good("ES256");
      String rest = tail.substring(tail.indexOf('.'));
      Client caller = setting.gateway.stranger();
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
