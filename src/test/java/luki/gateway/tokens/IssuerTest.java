package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.ECKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import luki.gateway.app.Explanation;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Waiting;
import luki.http1.Fields;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A whole gateway with a real issuer over HTTP, which misbehaves. */
class IssuerTest {
  private static final ECKey KEY = Forge.ec("k1");
  private static final ECKey STRANGER = Forge.ec("k9");
  private static final String KEYS = Forge.jwks(KEY);

  private static String tokenOf(ECKey key) {
    return Forge.by(key, Forge.claims());
  }

  private static String tokenFor(String sub) {
    return Forge.by(KEY, Forge.with("sub", Forge.text(sub)));
  }

  private static String tokenOf(long issuedAt, long expires) {
    Map<String, String> claims = Forge.claims(Instant.ofEpochSecond(issuedAt));
    claims.put("exp", Long.toString(expires));
    return Forge.by(KEY, Forge.json(claims));
  }

  @Test
  void tokensAreRefusedWith503UntilTheKeysAreThereAndThenOpenTheirOwnDataAlone() {
    try (TestIssuer issuer = TestIssuer.sending("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")) {
      Client maria = issuer.as(tokenFor("maria_k"));
      HttpReply early = maria.get(Fixture.ITEMS).expect(503, "IDENTITY_UNAVAILABLE");
      assertTrue(early.header("Retry-After").isPresent());
      issuer.as(null).get("/readyz").expect(503);
      List<String> lines = issuer.gateway().awaitLog(2);
      assertTrue(lines.getFirst().contains("\"level\":\"error\""), lines.getFirst());
      assertTrue(lines.getLast().contains("\"level\":\"info\""), lines.getLast());
      issuer.reply(TestIssuer.ok(KEYS));
      issuer.awaitReady();
      maria.get(Fixture.ITEMS).expect(200);
      maria.get("/v1/elr/items/anna").expect(403, "NOT_OWNER");
      maria.get("/v1/tokens/balances/maria_k").expect(403, "FORBIDDEN");
      issuer.as(tokenFor("*")).get("/v1/elr/items/anna").expect(403, "NOT_OWNER");
    }
  }

  @Test
  void explainSaysWhyACredentialIsRefused() {
    try (TestIssuer issuer = TestIssuer.of(KEYS)) {
      Map<String, String> reasons =
          Map.of(
              "a.b.c",
              "it is no JWT in compact form with a plain header",
              tokenOf(STRANGER),
              "no key of the issuer has its kid and alg and verifies it",
              tokenOf(1_000, 2_000),
              "it has expired",
              Forge.by(KEY, Forge.without("exp")),
              "exp is missing, or nbf or iat is in the future",
              Forge.by(KEY, Forge.with("aud", Forge.text("x"))),
              "aud is not JWT_AUDIENCE, which is ",
              Forge.by(KEY, Forge.with("iss", Forge.text("x"))),
              "iss is not JWT_ISSUER, which is ",
              tokenFor("a/b"),
              "sub is no user id, or a claim is missing or of a wrong type",
              issuer.gateway().key(List.of("maria_k"), Instant.EPOCH, "elr:read"),
              "it has expired",
              "luki_cut_off",
              "it is mistyped or cut off");
      reasons.forEach(
          (credential, reason) -> {
            Fields headers =
                new Fields.Builder().add("Authorization", "Bearer " + credential).build();
            Explanation.Result result =
                issuer
                    .gateway()
                    .explanation()
                    .of(new Explanation.Question("GET", Fixture.ITEMS, headers, null, null));
            String verdict = result.verdicts().getLast().text();
            assertTrue(
                verdict.startsWith("401 UNAUTHENTICATED: " + reason), reason + ": " + result);
            issuer.expect(401, credential);
          });
    }
  }

  @Test
  void aRedirectIsNotFollowedAndAVastSetIsNotRead() {
    try (TestIssuer other = TestIssuer.of(KEYS)) {
      int before = other.fetches();
      String elsewhere = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + other.url();
      for (String reply : List.of(elsewhere + "/\r\n\r\n", TestIssuer.ok(" ".repeat(2_000_000)))) {
        try (TestIssuer issuer = TestIssuer.sending(reply)) {
          Waiting.until(Duration.ofSeconds(10), () -> issuer.fetches() > 1);
          Client maria = issuer.as(tokenFor("maria_k"));
          maria.get(Fixture.ITEMS).expect(503, "IDENTITY_UNAVAILABLE");
        }
      }
      assertEquals(before, other.fetches());
    }
  }

  @Test
  void aWellSignedExpiredTokenDoesNotCountAsAGuess() {
    long now = Instant.now().getEpochSecond();
    try (TestIssuer issuer = TestIssuer.of(KEYS);
        Fixture setting =
            Fixture.start(
                g ->
                    g.with("JWT_JWKS_URL", issuer.url() + "/jwks.json")
                        .with("JWT_ISSUER", Forge.ISSUER)
                        .with("AUTH_FAILURES_PER_MIN", "3"))) {
      setting.gateway().awaitReady();
      Client expired = setting.withKey(tokenOf(now - 700, now - 100));
      for (int i = 0; i < 20; i++) {
        expired.get(Fixture.ITEMS).expect(401, "UNAUTHENTICATED");
      }
      setting.withKey(tokenFor("maria_k")).get(Fixture.ITEMS).expect(200);
      Client forged = setting.withKey(Forge.by(Forge.ec("k1"), Forge.claims()));
      for (int i = 0; i < 3; i++) {
        forged.get(Fixture.ITEMS).expect(401);
      }
      forged.get(Fixture.ITEMS).expect(429, "RATE_LIMITED");
    }
  }

  @Test
  void aRotationRefusesNoValidTokenAndCostsOneFetch() {
    ECKey next = Forge.ec("k2");
    try (TestIssuer issuer = TestIssuer.of(KEYS)) {
      int before = issuer.fetches();
      issuer.expect(200, tokenOf(KEY));
      issuer.reply(TestIssuer.ok(Forge.jwks(KEY, next)));
      for (int i = 0; i < 5; i++) {
        issuer.expect(200, tokenOf(next));
        issuer.expect(200, tokenOf(KEY));
      }
      assertEquals(before + 1, issuer.fetches());
    }
  }

  @Test
  void eightCallersAtOnceWithANewKeyAreAllAccepted() throws Exception {
    ECKey next = Forge.ec("k2");
    CountDownLatch release = new CountDownLatch(1);
    TestIssuer.Answer slow =
        (connection, reply) -> {
          if (reply.contains("\"kid\":\"k2\"")) {
            release.await();
          }
          connection.send(reply);
        };
    try (TestIssuer issuer = TestIssuer.of(KEYS, slow, 60)) {
      int before = issuer.fetches();
      issuer.reply(TestIssuer.ok(Forge.jwks(KEY, next)));
      String token = tokenOf(next);
      List<CompletableFuture<Integer>> callers =
          Stream.generate(
                  () ->
                      CompletableFuture.supplyAsync(
                          () -> issuer.status(token), Thread::startVirtualThread))
              .limit(8)
              .toList();
      // The ninth is the request for the metrics.
      Waiting.until(
          Duration.ofSeconds(10),
          () -> issuer.gateway().metric("http_server_active_requests").equals("9.0"));
      release.countDown();
      for (CompletableFuture<Integer> caller : callers) {
        assertEquals(200, caller.get(20, TimeUnit.SECONDS));
      }
      assertEquals(before + 1, issuer.fetches());
    }
  }

  @Test
  void theAddressOfTheKeysMayHaveAQuery() {
    String query = "?p=b2c_1_signin&appid=a%20b";
    try (RawUpstream issuer = RawUpstream.answering(TestIssuer.ok(KEYS));
        Fixture setting =
            Fixture.start(
                g ->
                    g.with("JWT_JWKS_URL", issuer.url() + "/keys" + query)
                        .with("JWT_ISSUER", Forge.ISSUER))) {
      setting.gateway().awaitReady();
      setting.withKey(tokenOf(KEY)).get(Fixture.ITEMS).expect(200);
      assertTrue(issuer.requests().getFirst().startsWith("GET /keys" + query + " HTTP/1.1\r\n"));
    }
  }

  @Test
  void aTimeThatNoDateHoldsIsRefusedAndNoHeaderIsFollowed() {
    try (TestIssuer elsewhere = TestIssuer.of(KEYS);
        TestIssuer issuer = TestIssuer.of(KEYS)) {
      for (String time :
          List.of(
              "31556889864403200", "9223372036854775807", "1e18", "1e400", "1e999999999", "-1")) {
        issuer.expect(401, Forge.by(KEY, Forge.with("exp", time)));
      }
      issuer.expect(401, Forge.by(KEY, Forge.with("nbf", "1e400")));
      long now = Instant.now().getEpochSecond();
      issuer.expect(200, Forge.by(KEY, Forge.with("exp", (now + 600) + ".75")));
      issuer.expect(200, Forge.by(KEY, Forge.with("iat", (now - 1) + ".123456")));
      int before = elsewhere.fetches();
      for (String hint : List.of("jku", "x5u", "x5t", "x5t#S256")) {
        String header =
            "{\"alg\":\"ES256\",\"kid\":\"k1\",\"%s\":\"%s/x\"}".formatted(hint, elsewhere.url());
        issuer.expect(200, Forge.by(KEY, header, Forge.claims()));
        issuer.expect(401, Forge.by(Forge.ec("k1"), header, Forge.claims()));
      }
      assertEquals(before, elsewhere.fetches());
    }
  }

  static List<String> rubbish() {
    return List.of(
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}",
        TestIssuer.ok("<!doctype html><title>Sign in</title>"),
        TestIssuer.ok("{\"keys\":[]}"),
        TestIssuer.ok(" ".repeat(2_000_000)),
        "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"keys\":",
        "not HTTP at all");
  }

  @ParameterizedTest
  @MethodSource("rubbish")
  void whateverTheIssuerSaysLaterTheOldSetStays(String rubbish) {
    try (TestIssuer issuer = TestIssuer.of(KEYS)) {
      int before = issuer.fetches();
      issuer.reply(rubbish);
      issuer.expect(401, tokenOf(STRANGER));
      assertEquals(before + 1, issuer.fetches(), "the unknown key was not looked for");
      issuer.expect(200, tokenOf(KEY));
      issuer.as(null).get("/readyz").expect(200);
    }
  }

  @Test
  void anIssuerThatIsSlowLeavesTheOldSetInForce() {
    CountDownLatch over = new CountDownLatch(1);
    TestIssuer.Answer slow =
        (connection, reply) -> {
          if (reply.isEmpty()) {
            over.await();
          }
          connection.send(reply);
        };
    try (TestIssuer issuer = TestIssuer.of(KEYS, slow, 60)) {
      issuer.reply("");
      long began = System.nanoTime();
      int status = issuer.status(tokenOf(STRANGER));
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      assertTrue(status == 401 || status == 503, "status " + status);
      assertTrue(took.compareTo(Duration.ofSeconds(8)) < 0, "waited " + took);
      issuer.expect(200, tokenOf(KEY));
      over.countDown();
    }
  }

  @Test
  void aClockThatIsOffByTwoMinutesCountsOnlyInsideTheSkew() {
    long now = Instant.now().getEpochSecond();
    for (int skew : List.of(60, 180)) {
      try (TestIssuer issuer = TestIssuer.of(KEYS, (c, reply) -> c.send(reply), skew)) {
        int expected = skew > 120 ? 200 : 401;
        issuer.expect(expected, tokenOf(now + 120, now + 600));
        issuer.expect(expected, tokenOf(now - 600, now - 120));
      }
    }
  }
}
