package luki.gateway.server;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.Locale;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A message that the engine refuses passes the same filters as every other request. */
class RefusedMessagesTest {
  private static final String ORIGIN = "https://app.example";
  private static TestGateway gateway;

  @BeforeAll
  static void start() {
    assumeTrue(TestGateway.isEdge(), "the JDK's server answers some of these messages itself");
    gateway = TestGateway.builder().with("CORS_ALLOWED_ORIGINS", ORIGIN).start();
  }

  @AfterAll
  static void stop() {
    if (gateway != null) {
      gateway.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "400, 'Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc'",
    "417, 'Expect: a-miracle\r\n\r\n'",
    "431, 'X-Long: LONG\r\n\r\n'",
    "400, 'A b: c\r\n\r\n'",
  })
  void refusedMessagesGetRequestIdAndCors(int status, String rest) throws IOException {
    String answer =
        RawHttpClient.readAll(
            gateway.port(),
            "POST /v1/chat HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\nOrigin: "
                + ORIGIN
                + "\r\n"
                + rest.replace("LONG", "z".repeat(17_000)));
    assertTrue(answer.startsWith("HTTP/1.1 " + status + " "), answer);
    String head = answer.toLowerCase(Locale.ROOT);
    assertTrue(head.contains("x-request-id: mine-1\r\n"), answer);
    assertTrue(head.contains("access-control-allow-origin: " + ORIGIN + "\r\n"), answer);
    assertTrue(head.contains("vary: origin\r\n"), answer);
    assertTrue(head.contains("connection: close\r\n"), answer);
    assertTrue(answer.contains("{\"error\":{\"code\":\""), answer);
  }

  @Test
  void aPathThatStartsWithTwoSlashesIsAnsweredLikeOthers() throws IOException {
    for (String path : new String[] {"//%41", "//a", "//"}) {
      String answer =
          RawHttpClient.readAll(
              gateway.port(), "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      assertTrue(answer.startsWith("HTTP/1.1 404 "), answer);
      assertTrue(answer.toLowerCase(Locale.ROOT).contains("x-request-id: "), answer);
      assertTrue(answer.contains("{\"error\":{\"code\":\"NOT_FOUND\""), answer);
    }
  }
}
