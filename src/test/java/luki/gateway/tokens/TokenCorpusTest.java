package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.util.Base64URL;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Each case of the token corpus, over the wire, against a gateway with a real issuer. */
class TokenCorpusTest {
  private static final Path CASES = Path.of("test-fixtures/jwt/jwt-attack-cases.json");
  private static final int FLOOD = 10_000;
  private static final int FIFTY_MEGABYTES = 50 * 1024 * 1024;
  private static final Pattern STATUSES = Pattern.compile("\\d{3}(?:(?:/| or )\\d{3})*");

  private static final Forge FORGE = new Forge();
  @AutoClose private static final TestIssuer ISSUER = TestIssuer.of(FORGE.jwks());

  /** No header of a token may lead the gateway here. */
  @AutoClose private static final RawUpstream ELSEWHERE = RawUpstream.start(_ -> {});

  @TestFactory
  List<DynamicTest> everyCaseOfTheCorpus() throws IOException, InvalidJson {
    Map<String, List<String>> recipes = TokenRecipes.all(FORGE, ELSEWHERE.url());
    Map<String, Check> others = others();
    List<DynamicTest> tests = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Json one : Json.parse(Files.readAllBytes(CASES)).items()) {
      String id = one.at("id").string("");
      String expect = one.at("expect").string("");
      seen.add(id);
      List<String> recipe = recipes.get(id);
      Check other = others.get(id);
      tests.add(
          DynamicTest.dynamicTest(
              id,
              () -> {
                assertTrue(recipe != null || other != null, "no recipe for " + one);
                if (recipe != null) {
                  tokens(recipe, expect);
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
              Set<String> made = new HashSet<>(recipes.keySet());
              made.addAll(others.keySet());
              made.removeAll(seen);
              assertEquals(Set.of(), made);
            }));
    return tests;
  }

  private static void tokens(List<String> tokens, String expect) {
    assertFalse(tokens.isEmpty());
    Matcher statuses = STATUSES.matcher(expect);
    assertTrue(statuses.lookingAt(), "no status in: " + expect);
    Set<String> allowed = Set.of(statuses.group().split("/| or ", -1));
    for (String token : tokens) {
      assertTrue(allowed.contains(Integer.toString(ISSUER.status(token))), expect + ": " + token);
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
    checks.put("kid-unknown-flood", _ -> unknownKeysCostOneFetch());
    checks.put("sub-crlf", TokenCorpusTest::subjectsWithControls);
    checks.put("sub-star", _ -> ownDataOnly());
    checks.put("hdr-two", _ -> twoAuthorizations());
    checks.put("query-token", _ -> tokensInTheQuery());
    checks.put("replay-after-rotate", _ -> aKeyThatWasTakenAway());
    checks.put("jwks-weak", _ -> doubtfulKeysAreLeftOut());
    checks.put("jwks-oct", _ -> secretsInASetAreNoKeys());
    checks.put("jwks-huge", _ -> whatNeverEndsIsCutOff());
    return checks;
  }

  private static void logHasOneLineForEachRequest() {
    for (String line : ISSUER.gateway().log()) {
      assertTrue(line.startsWith("{\"ts\":") && line.endsWith("}"), line);
    }
  }

  private static String subject(String sub) {
    return FORGE.of(Forge.with("sub", Forge.text(sub)));
  }

  private static void subjectsWithControls(String expect) {
    assertEquals("401", expect.substring(expect.length() - 3));
    ISSUER.server().forget();
    for (String sub : List.of("maria_k\\r\\nX-Admin: 1", "maria_k\\n", "a\\u0000b", "\\u007f")) {
      ISSUER.expect(401, subject(sub));
    }
    assertEquals(List.of(), ISSUER.server().calls("memory"));
  }

  private static void ownDataOnly() {
    for (String sub : List.of("*", "0", "admin", "%", "maria_k/../anna", "..")) {
      int status = ISSUER.status(subject(sub));
      assertTrue(status == 403 || status == 401, sub + ": " + status);
    }
  }

  private static void twoAuthorizations() {
    String good = "Authorization: Bearer " + FORGE.good("ES256");
    assertEquals(200, ISSUER.statusOf(Fixture.ITEMS, good));
    for (String more : List.of(good, "authorization: Bearer x", "X-API-Key: " + "x")) {
      assertEquals(400, ISSUER.statusOf(Fixture.ITEMS, good, more), more);
    }
  }

  private static void tokensInTheQuery() {
    String token = FORGE.good("ES256");
    for (String name : List.of("access_token", "token", "ACCESS_TOKEN", "Access%5FToken")) {
      String target = Fixture.ITEMS + "?" + name + "=" + token;
      assertEquals(400, ISSUER.statusOf(target), name);
      assertEquals(400, ISSUER.statusOf(target, "Authorization: Bearer " + token), name);
    }
    List<String> log = ISSUER.gateway().log();
    assertTrue(log.stream().noneMatch(line -> line.contains(token.substring(0, 40))));
  }

  private static void aKeyThatWasTakenAway() {
    Forge rotating = new Forge();
    try (TestIssuer issuer = TestIssuer.of(rotating.jwks())) {
      String old = rotating.good("RS256");
      issuer.expect(200, old);
      // From the cache.
      issuer.expect(200, old);
      issuer.reply(TestIssuer.ok(Forge.jwks(Forge.ec("next"))));
      issuer.expect(401, rotating.sign(Forge.header("ES256", "next"), Forge.claims(), "ES256"));
      issuer.expect(401, old);
    }
  }

  private static void unknownKeysCostOneFetch() {
    try (TestIssuer issuer = TestIssuer.of(FORGE.jwks())) {
      int before = issuer.fetches();
      String good = FORGE.good("ES256");
      String rest = good.substring(good.indexOf('.'));
      Client caller = issuer.as(null);
      for (int i = 0; i < FLOOD; i++) {
        String token = Forge.base64url(Forge.header("ES256", "k" + i)) + rest;
        caller.get(Fixture.ITEMS, "Authorization", "Bearer " + token).expect(401);
      }
      assertTrue(issuer.fetches() - before <= 1);
      issuer.expect(200, good);
    }
  }

  private static void doubtfulKeysAreLeftOut() {
    String zero = Forge.base64url(new byte[32]);
    String set =
        Forge.jwks(
            rsa("weak512", 512, ""),
            rsa("weak1024", 1024, ""),
            rsa("use", 2048, ",\"use\":\"enc\""),
            rsa("alg", 2048, ",\"alg\":\"ES256\""),
            rsa("hs", 2048, ",\"alg\":\"HS256\""),
            rsa("ops", 2048, ",\"key_ops\":[\"sign\"]"),
            FORGE.rsa.toJSONString(),
            Forge.open(Forge.ec("twice")),
            Forge.open(Forge.ec("twice")),
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"off\",\"x\":\"%s\",\"y\":\"%s\"}"
                .formatted(zero, zero),
            Forge.open(Forge.ec("p521", Curve.P_521)),
            "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"kid\":\"x\",\"x\":\"" + zero + "\"}",
            "{\"kty\":\"AKP\",\"kid\":\"new\",\"alg\":\"ML-DSA-44\",\"pub\":\"AA\"}",
            "null",
            "[]",
            Forge.open(FORGE.ec),
            Forge.open(FORGE.ec384));
    List<String> kept = Tokens.set(set).keys().stream().map(TrustedKey::id).toList();
    assertEquals(List.of("e1", "e3"), kept);
    try (TestIssuer issuer = TestIssuer.of(set)) {
      issuer.expect(200, FORGE.good("ES256"));
      issuer.expect(200, FORGE.good("ES384"));
      // Its private key is published.
      issuer.expect(401, FORGE.good("RS256"));
    }
  }

  private static String rsa(String id, int bits, String more) {
    RSAPublicKey open =
        Forge.unchecked(
            () -> {
              KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
              generator.initialize(bits);
              return (RSAPublicKey) generator.generateKeyPair().getPublic();
            });
    return "{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"AQAB\"%s}"
        .formatted(id, Base64URL.encode(open.getModulus()), more);
  }

  private static void secretsInASetAreNoKeys() {
    byte[] secret = "a secret that an issuer should never publish".getBytes(StandardCharsets.UTF_8);
    String oct =
        "{\"kty\":\"oct\",\"kid\":\"o1\",\"alg\":\"HS256\",\"k\":\"%s\"}"
            .formatted(Forge.base64url(secret));
    try (TestIssuer issuer = TestIssuer.of(Forge.jwks(oct, Forge.open(FORGE.ec)))) {
      issuer.expect(401, Forge.hmac(Forge.header("HS256", "o1"), secret));
      issuer.expect(200, FORGE.good("ES256"));
    }
  }

  /** 50 MB, a reply that never ends, and addresses that an issuer has no business with. */
  private static void whatNeverEndsIsCutOff() {
    for (String head :
        List.of(
            "HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: file:///etc/passwd\r\n\r\n",
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                + "Location: http://169.254.169.254/latest\r\n\r\n")) {
      AtomicLong sent = new AtomicLong();
      try (TestIssuer issuer = TestIssuer.of(FORGE.jwks(), endless(sent), 60)) {
        issuer.reply(head);
        long began = System.nanoTime();
        issuer.expect(401, FORGE.sign(Forge.header("ES256", "n"), Forge.claims(), "ES256"));
        long seconds = Duration.ofNanos(System.nanoTime() - began).toSeconds();
        assertTrue(seconds < 8, "waited " + seconds + " s for " + head);
        assertTrue(sent.get() < 16 * 1024 * 1024, "read " + sent.get());
        issuer.expect(200, FORGE.good("ES256"));
      }
    }
  }

  private static TestIssuer.Answer endless(AtomicLong sent) {
    String piece = " ".repeat(64 * 1024);
    return (connection, head) -> {
      connection.send(head);
      if (head.contains("52428800") || head.contains("chunked")) {
        String chunk = head.contains("chunked") ? "10000\r\n" + piece + "\r\n" : piece;
        while (sent.addAndGet(piece.length()) < FIFTY_MEGABYTES) {
          connection.send(chunk);
        }
      }
    };
  }
}
