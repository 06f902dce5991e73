package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.function.UnaryOperator;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.RawUpstream.RawConnection;
import luki.gateway.testing.Client;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;

/** An issuer that sends what a test wants, and a gateway that trusts it. */
final class TestIssuer implements AutoCloseable {
  private static final int MAX_HEAD = 64 * 1024;

  private volatile String reply;
  private final RawUpstream issuer;
  private final Fixture server;

  /** How the issuer sends its reply. */
  @FunctionalInterface
  interface Answer {
    void send(RawConnection connection, String reply) throws Exception;
  }

  private TestIssuer(
      String first, Answer answer, int skewSeconds, UnaryOperator<TestGateway.Builder> changes) {
    reply = first;
    issuer =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              answer.send(connection, reply);
            });
    String url = issuer.url() + "/jwks.json";
    server =
        Fixture.start(
            gateway ->
                changes.apply(
                    gateway
                        .with("JWT_JWKS_URL", url)
                        .with("JWT_ISSUER", Forge.ISSUER)
                        .with("JWT_CLOCK_SKEW_S", Integer.toString(skewSeconds))));
  }

  /** The gateway may still be without keys. */
  static TestIssuer sending(String reply) {
    return new TestIssuer(reply, RawConnection::send, 60, gateway -> gateway);
  }

  /** The gateway has loaded these keys. */
  static TestIssuer of(String jwks) {
    return of(jwks, RawConnection::send, 60);
  }

  /** The same, and the gateway is set up in another way. */
  static TestIssuer of(String jwks, UnaryOperator<TestGateway.Builder> changes) {
    TestIssuer started = new TestIssuer(ok(jwks), RawConnection::send, 60, changes);
    started.awaitReady();
    return started;
  }

  static TestIssuer of(String jwks, Answer answer, int skewSeconds) {
    TestIssuer started = new TestIssuer(ok(jwks), answer, skewSeconds, gateway -> gateway);
    started.awaitReady();
    return started;
  }

  static String ok(String body) {
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    return "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n" + body;
  }

  /** What the issuer sends from now on. */
  void reply(String bytes) {
    reply = bytes;
  }

  int fetches() {
    return issuer.connections();
  }

  String url() {
    return issuer.url();
  }

  TestGateway gateway() {
    return server.gateway();
  }

  Fixture server() {
    return server;
  }

  void awaitReady() {
    gateway().awaitReady();
  }

  Client as(String token) {
    return server.withKey(token);
  }

  /** The status of the user's own items with this token. */
  int status(String token) {
    return statusOf(Fixture.ITEMS, "Authorization: Bearer " + token);
  }

  void expect(int status, String token) {
    assertEquals(status, status(token), token);
  }

  /**
   * The status of a GET with these lines in its head; 431 where the gateway closes in the middle of
   * a head that is too long.
   */
  int statusOf(String target, String... lines) {
    String head = "GET " + target + " HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n";
    for (String line : lines) {
      head += line + "\r\n";
    }
    String request = head + "\r\n";
    int status = RawHttpClient.statusOf(gateway().port(), request);
    if (status == RawHttpClient.CLOSED && request.length() <= MAX_HEAD) {
      throw new AssertionError("closed without an answer");
    }
    return status == RawHttpClient.CLOSED ? 431 : status;
  }

  @Override
  public void close() {
    server.close();
    issuer.close();
  }
}
