package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A whole gateway with a real issuer over HTTP, which misbehaves. */
class IssuerTest {
  private static final ECKey KEY = Tokens.ec("k1", Curve.P_256);

  private static RawUpstream issuer(AtomicReference<String> reply) {
    return RawUpstream.start(
        connection -> {
          connection.readRequest();
          connection.send(reply.get());
          connection.close();
        });
  }

  private static String ok(String body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
  }

  private static TestGateway gateway(StandIns services, RawUpstream issuer) {
    return TestGateway.builder()
        .with(services.urls())
        .with(Map.of("JWT_JWKS_URL", issuer.url() + "/jwks.json", "JWT_ISSUER", Tokens.ISSUER))
        .start();
  }

  private static String token(String sub) {
    long now = Instant.now().getEpochSecond();
    String claims =
        Tokens.claims()
            .replaceFirst("\"iat\":\\d+", "\"iat\":" + now)
            .replaceFirst("\"exp\":\\d+", "\"exp\":" + (now + 600))
            .replace("maria_k", sub);
    return Tokens.sign(KEY, JWSAlgorithm.ES256, claims);
  }

  @Test
  void tokensAreRefusedWith503UntilTheKeysAreThereAndThenOpenTheirOwnDataAlone() {
    AtomicReference<String> reply =
        new AtomicReference<>("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    try (StandIns services = StandIns.start();
        RawUpstream issuer = issuer(reply);
        TestGateway gateway = gateway(services, issuer)) {
      Client maria = new Client(gateway, token("maria_k"));
      HttpReply early = maria.get("/v1/elr/items/maria_k").expect(503, "IDENTITY_UNAVAILABLE");
      assertTrue(early.header("Retry-After").isPresent());
      new Client(gateway, null).get("/readyz").expect(503);
      reply.set(ok(Tokens.jwks(List.of(KEY))));
      Waiting.until(
          Duration.ofSeconds(15), () -> new Client(gateway, null).get("/readyz").status() == 200);
      maria.get("/v1/elr/items/maria_k").expect(200);
      assertEquals("NOT_OWNER", maria.get("/v1/elr/items/anna").code());
      assertEquals("FORBIDDEN", maria.get("/v1/tokens/balances/maria_k").code());
      assertEquals("NOT_OWNER", new Client(gateway, token("*")).get("/v1/elr/items/anna").code());
    }
  }

  @Test
  void aRedirectIsNotFollowedAndAVastSetIsNotRead() {
    AtomicReference<String> elsewhere = new AtomicReference<>(ok(Tokens.jwks(List.of(KEY))));
    try (StandIns services = StandIns.start();
        RawUpstream other = issuer(elsewhere);
        RawUpstream issuer =
            issuer(
                new AtomicReference<>(
                    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
                        + other.url()
                        + "/\r\n\r\n"));
        RawUpstream vast = issuer(new AtomicReference<>(ok(" ".repeat(2_000_000))));
        TestGateway led = gateway(services, issuer);
        TestGateway filled = gateway(services, vast)) {
      Waiting.until(Duration.ofSeconds(10), () -> issuer.connections() > 1);
      Waiting.until(Duration.ofSeconds(10), () -> vast.connections() > 1);
      assertEquals(0, other.connections());
      for (TestGateway gateway : List.of(led, filled)) {
        assertEquals(
            "IDENTITY_UNAVAILABLE",
            new Client(gateway, token("maria_k")).get("/v1/elr/items/maria_k").code());
      }
    }
  }

  private static String tokenOf(ECKey key, long issuedAt, long expires) {
    String claims =
        Tokens.claims()
            .replaceFirst("\"iat\":\\d+", "\"iat\":" + issuedAt)
            .replaceFirst("\"exp\":\\d+", "\"exp\":" + expires);
    return Tokens.sign(key, JWSAlgorithm.ES256, claims);
  }

  private static String tokenOf(ECKey key) {
    long now = Instant.now().getEpochSecond();
    return tokenOf(key, now, now + 600);
  }

  private static int statusOf(TestGateway gateway, String token) {
    return new Client(gateway, token).get("/v1/elr/items/maria_k").status();
  }

  private static void awaitReady(TestGateway gateway) {
    Waiting.until(
        Duration.ofSeconds(15), () -> new Client(gateway, null).get("/readyz").status() == 200);
  }

  @Test
  void aRotationRefusesNoValidTokenAndCostsOneFetch() {
    ECKey next = Tokens.ec("k2", Curve.P_256);
    AtomicReference<String> reply = new AtomicReference<>(ok(Tokens.jwks(List.of(KEY))));
    try (StandIns services = StandIns.start();
        RawUpstream issuer = issuer(reply);
        TestGateway gateway = gateway(services, issuer)) {
      awaitReady(gateway);
      int before = issuer.connections();
      assertEquals(200, statusOf(gateway, tokenOf(KEY)));
      reply.set(ok(Tokens.jwks(List.of(KEY, next))));
      for (int i = 0; i < 5; i++) {
        assertEquals(200, statusOf(gateway, tokenOf(next)));
        assertEquals(200, statusOf(gateway, tokenOf(KEY)));
      }
      assertEquals(before + 1, issuer.connections());
    }
  }

  static List<String> rubbish() {
    return List.of(
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}",
        ok("<!doctype html><title>Sign in</title>"),
        ok("{\"keys\":[]}"),
        ok(" ".repeat(2_000_000)),
        "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"keys\":",
        "not HTTP at all");
  }

  @ParameterizedTest
  @MethodSource("rubbish")
  void whateverTheIssuerSaysLaterTheOldSetStays(String rubbish) {
    AtomicReference<String> reply = new AtomicReference<>(ok(Tokens.jwks(List.of(KEY))));
    ECKey stranger = Tokens.ec("k9", Curve.P_256);
    try (StandIns services = StandIns.start();
        RawUpstream issuer = issuer(reply);
        TestGateway gateway = gateway(services, issuer)) {
      awaitReady(gateway);
      int before = issuer.connections();
      reply.set(rubbish);
      assertEquals(401, statusOf(gateway, tokenOf(stranger)));
      assertEquals(before + 1, issuer.connections(), "the unknown key was not looked for");
      assertEquals(200, statusOf(gateway, tokenOf(KEY)));
      new Client(gateway, null).get("/readyz").expect(200);
    }
  }

  @Test
  void anIssuerThatIsSlowLeavesTheOldSetInForce() throws Exception {
    AtomicReference<String> reply = new AtomicReference<>(ok(Tokens.jwks(List.of(KEY))));
    ECKey stranger = Tokens.ec("k9", Curve.P_256);
    CountDownLatch over = new CountDownLatch(1);
    try (StandIns services = StandIns.start();
        RawUpstream issuer =
            RawUpstream.start(
                connection -> {
                  connection.readRequest();
                  if (reply.get().isEmpty()) {
                    over.await();
                  }
                  connection.send(reply.get());
                  connection.close();
                });
        TestGateway gateway = gateway(services, issuer)) {
      awaitReady(gateway);
      reply.set("");
      long began = System.nanoTime();
      int status = statusOf(gateway, tokenOf(stranger));
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      assertTrue(status == 401 || status == 503, "status " + status);
      assertTrue(took.compareTo(Duration.ofSeconds(8)) < 0, "waited " + took);
      assertEquals(200, statusOf(gateway, tokenOf(KEY)));
      over.countDown();
    }
  }

  @Test
  void aClockThatIsOffByTwoMinutesCountsOnlyInsideTheSkew() {
    AtomicReference<String> reply = new AtomicReference<>(ok(Tokens.jwks(List.of(KEY))));
    long now = Instant.now().getEpochSecond();
    String ahead = tokenOf(KEY, now + 120, now + 600);
    String behind = tokenOf(KEY, now - 600, now - 120);
    for (int skew : List.of(60, 180)) {
      try (StandIns services = StandIns.start();
          RawUpstream issuer = issuer(reply);
          TestGateway gateway =
              TestGateway.builder()
                  .with(services.urls())
                  .with("JWT_JWKS_URL", issuer.url() + "/jwks.json")
                  .with("JWT_ISSUER", Tokens.ISSUER)
                  .with("JWT_CLOCK_SKEW_S", Integer.toString(skew))
                  .start()) {
        awaitReady(gateway);
        int expected = skew > 120 ? 200 : 401;
        assertEquals(expected, statusOf(gateway, ahead));
        assertEquals(expected, statusOf(gateway, behind));
      }
    }
  }
}
