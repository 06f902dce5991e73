package luki.gateway.tokens;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicReference;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.TestGateway;

/** An issuer over HTTP, the services, and a gateway that trusts this issuer. */
final class IssuerFixture implements AutoCloseable {
  static final String OWN = "/v1/elr/items/maria_k";

  final StandIns services = StandIns.start();
  final RawUpstream issuer;
  final TestGateway gateway;

  IssuerFixture(RawUpstream issuer, String... variables) {
    this.issuer = issuer;
    TestGateway.Builder builder =
        TestGateway.builder()
            .with(services.urls())
            .with("JWT_JWKS_URL", issuer.url() + "/jwks.json")
            .with("JWT_ISSUER", Tokens.ISSUER);
    for (int i = 0; i < variables.length; i += 2) {
      builder.with(variables[i], variables[i + 1]);
    }
    this.gateway = builder.start();
  }

  /** With an issuer that gives this reply, whatever it is by then, and closes. */
  IssuerFixture(AtomicReference<String> reply, String... variables) {
    this(issuer(reply), variables);
  }

  /** The same, once the first reply is loaded. */
  static IssuerFixture ready(AtomicReference<String> reply, String... variables) {
    IssuerFixture fixture = new IssuerFixture(reply, variables);
    fixture.gateway.awaitReady();
    return fixture;
  }

  static RawUpstream issuer(AtomicReference<String> reply) {
    return RawUpstream.start(
        connection -> {
          connection.readRequest();
          connection.send(reply.get());
          connection.close();
        });
  }

  static String ok(String body) {
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    return "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n" + body;
  }

  /** The status of maria_k's own list with this token. */
  int status(String token) {
    return Tokens.status(gateway, OWN, "Authorization: Bearer " + token);
  }

  @Override
  public void close() {
    gateway.close();
    issuer.close();
    services.close();
  }
}
