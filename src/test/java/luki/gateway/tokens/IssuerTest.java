package luki.gateway.tokens;

import static luki.gateway.tokens.IssuerFixture.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A whole gateway with a real issuer over HTTP, which misbehaves. */
class IssuerTest {
  private static final ECKey KEY = Tokens.ec("k1", Curve.P_256);

  private final AtomicReference<String> reply =
      new AtomicReference<>(ok(Tokens.jwks(List.of(KEY))));

  private static String token(ECKey key, long issuedAt, long expires) {
    String claims =
        Tokens.claims()
            .replaceFirst("\"iat\":\\d+", "\"iat\":" + issuedAt)
            .replaceFirst("\"exp\":\\d+", "\"exp\":" + expires);
    return Tokens.sign(key, JWSAlgorithm.ES256, claims);
  }

  private static String token(ECKey key) {
    long now = Instant.now().getEpochSecond();
    return token(key, now, now + 600);
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
    reply.set("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    try (IssuerFixture fixture = new IssuerFixture(reply)) {
      Client maria = new Client(fixture.gateway, token("maria_k"));
      HttpReply early = maria.get(IssuerFixture.OWN).expect(503, "IDENTITY_UNAVAILABLE");
      assertTrue(early.header("Retry-After").isPresent());
      fixture.gateway.stranger().get("/readyz").expect(503);
      reply.set(ok(Tokens.jwks(List.of(KEY))));
      fixture.gateway.awaitReady();
      maria.get(IssuerFixture.OWN).expect(200);
      maria.get("/v1/elr/items/anna").expect(403, "NOT_OWNER");
      maria.get("/v1/tokens/balances/maria_k").expect(403, "FORBIDDEN");
      Client star = new Client(fixture.gateway, token("*"));
      star.get("/v1/elr/items/anna").expect(403, "NOT_OWNER");
    }
  }

  @Test
  void aRedirectIsNotFollowedAndAVastSetIsNotRead() {
    try (RawUpstream other = IssuerFixture.issuer(reply);
        IssuerFixture led =
            new IssuerFixture(
                new AtomicReference<>(
                    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
                        + other.url()
                        + "/\r\n\r\n"));
        IssuerFixture filled =
            new IssuerFixture(new AtomicReference<>(ok(" ".repeat(2_000_000))))) {
      for (IssuerFixture fixture : List.of(led, filled)) {
        Waiting.until(Duration.ofSeconds(10), () -> fixture.issuer.connections() > 1);
        Client maria = new Client(fixture.gateway, token("maria_k"));
        maria.get(IssuerFixture.OWN).expect(503, "IDENTITY_UNAVAILABLE");
      }
      assertEquals(0, other.connections());
    }
  }

  @Test
  void aRotationRefusesNoValidTokenAndCostsOneFetch() {
    ECKey next = Tokens.ec("k2", Curve.P_256);
    try (IssuerFixture fixture = IssuerFixture.ready(reply)) {
      int before = fixture.issuer.connections();
      assertEquals(200, fixture.status(token(KEY)));
      reply.set(ok(Tokens.jwks(List.of(KEY, next))));
      for (int i = 0; i < 5; i++) {
        assertEquals(200, fixture.status(token(next)));
        assertEquals(200, fixture.status(token(KEY)));
      }
      assertEquals(before + 1, fixture.issuer.connections());
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
    try (IssuerFixture fixture = IssuerFixture.ready(reply)) {
      int before = fixture.issuer.connections();
      reply.set(rubbish);
      assertEquals(401, fixture.status(token(Tokens.ec("k9", Curve.P_256))));
      assertEquals(before + 1, fixture.issuer.connections(), "the unknown key was not looked for");
      assertEquals(200, fixture.status(token(KEY)));
      fixture.gateway.stranger().get("/readyz").expect(200);
    }
  }

  @Test
  void anIssuerThatIsSlowLeavesTheOldSetInForce() throws Exception {
    CountDownLatch over = new CountDownLatch(1);
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
    try (IssuerFixture fixture = new IssuerFixture(issuer)) {
      fixture.gateway.awaitReady();
      reply.set("");
      long began = System.nanoTime();
      int status = fixture.status(token(Tokens.ec("k9", Curve.P_256)));
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      assertTrue(status == 401 || status == 503, "status " + status);
      assertTrue(took.compareTo(Duration.ofSeconds(8)) < 0, "waited " + took);
      assertEquals(200, fixture.status(token(KEY)));
      over.countDown();
    }
  }

  @Test
  void aClockThatIsOffByTwoMinutesCountsOnlyInsideTheSkew() {
    long now = Instant.now().getEpochSecond();
    String ahead = token(KEY, now + 120, now + 600);
    String behind = token(KEY, now - 600, now - 120);
    for (int skew : List.of(60, 180)) {
      try (IssuerFixture fixture =
          IssuerFixture.ready(reply, "JWT_CLOCK_SKEW_S", Integer.toString(skew))) {
        int expected = skew > 120 ? 200 : 401;
        assertEquals(expected, fixture.status(ahead));
        assertEquals(expected, fixture.status(behind));
      }
    }
  }
}
