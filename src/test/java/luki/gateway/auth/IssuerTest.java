package luki.gateway.auth;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawDownstream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;

/** A whole gateway with a real issuer over HTTP, which misbehaves. */
class IssuerTest {
  private static final ECKey KEY = Tokens.ec("k1", Curve.P_256);

  private static RawDownstream issuer(AtomicReference<String> reply) {
    return RawDownstream.start(
        connection -> {
          connection.readRequest();
          connection.send(reply.get());
          connection.close();
        });
  }

  private static String ok(String body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
  }

  private static TestGateway gateway(StandIns services, RawDownstream issuer) {
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
        RawDownstream issuer = issuer(reply);
        TestGateway gateway = gateway(services, issuer)) {
      Client maria = new Client(gateway, token("maria_k"));
      Client.Answer early = maria.get("/v1/elr/items/maria_k");
      assertEquals(503, early.status());
      assertEquals("IDENTITY_UNAVAILABLE", early.code());
      assertTrue(early.header("Retry-After").isPresent());
      assertEquals(503, new Client(gateway, null).get("/readyz").status());
      reply.set(ok(Tokens.jwks(List.of(KEY))));
      Waiting.until(
          Duration.ofSeconds(15), () -> new Client(gateway, null).get("/readyz").status() == 200);
      assertEquals(200, maria.get("/v1/elr/items/maria_k").status());
      assertEquals("NOT_OWNER", maria.get("/v1/elr/items/anna").code());
      assertEquals("FORBIDDEN", maria.get("/v1/tokens/balances/maria_k").code());
      assertEquals("NOT_OWNER", new Client(gateway, token("*")).get("/v1/elr/items/anna").code());
    }
  }

  @Test
  void aRedirectIsNotFollowedAndAVastSetIsNotRead() {
    AtomicReference<String> elsewhere = new AtomicReference<>(ok(Tokens.jwks(List.of(KEY))));
    try (StandIns services = StandIns.start();
        RawDownstream other = issuer(elsewhere);
        RawDownstream issuer =
            issuer(
                new AtomicReference<>(
                    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
                        + other.url()
                        + "/\r\n\r\n"));
        RawDownstream vast = issuer(new AtomicReference<>(ok(" ".repeat(2_000_000))));
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
}
