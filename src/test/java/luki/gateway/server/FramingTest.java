package luki.gateway.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** Messages with ambiguous framing get one error, and the connection is closed. */
class FramingTest {
  @AutoClose private static final Fixture FIXTURE = Fixture.start();
  private static final int PORT = FIXTURE.gateway().port();

  /** Sends the bytes and reads until the gateway closes; fails when it stays open. */
  private static String exchange(String bytes) throws IOException {
    String answer = RawHttpClient.readAll(PORT, bytes);
    assertFalse(answer.endsWith("(reset)"), answer);
    return answer;
  }

  private static int answers(String raw) {
    return raw.split("HTTP/1\\.1 ", -1).length - 1;
  }

  @Test
  void anAmbiguousHeadIsRefusedAndTheConnectionClosed() throws IOException {
    Map<String, String> heads =
        Map.of(
            "two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "no host", "GET /healthz HTTP/1.1\r\n\r\n",
            "a signed length", "POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
            "two lengths",
                "POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                    + "Content-Length: 3\r\n\r\nabc",
            "a length and a coding",
                "POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    for (Map.Entry<String, String> head : heads.entrySet()) {
      String answer = exchange(head.getValue() + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
      assertTrue(answer.startsWith("HTTP/1.1 400 "), head.getKey() + ": " + answer);
      assertEquals(1, answers(answer), head.getKey());
    }
  }

  @Test
  void bytesAfterAChunkedBodyAreARequestOnlyAfterAStrictParse() throws IOException {
    String body = "{\"user_id\":\"maria_k\",\"query\":\"x\"}";
    String answer =
        exchange(
            "POST /v1/elr/search HTTP/1.1\r\nHost: a\r\nX-API-Key: "
                + FIXTURE.gateway().key(List.of("maria_k"), "elr:read")
                + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                + Integer.toHexString(body.length())
                + "\r\n"
                + body
                + "\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
    // The JDK's chunked reader is lenient, so bytes after such a body are not read there.
    assertEquals(TestGateway.isEdge() ? 2 : 1, answers(answer));
  }

  /** Sends one request and half-closes; returns {@code bytes_in} of its log line. */
  private static int loggedBytes(String id, String fields, String body) throws IOException {
    try (RawHttpClient client = new RawHttpClient(PORT)) {
      client.send("POST /v1/elr/search HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + id + "\r\n");
      client.send("Content-Type: application/json\r\n" + fields + "\r\n\r\n" + body);
      client.socket().shutdownOutput();
      client.readToEnd();
    }
    Pattern line = Pattern.compile("\"bytes_in\":(\\d+).*\"request_id\":\"" + id + "\"");
    return Waiting.until(
        Duration.ofSeconds(5),
        () ->
            FIXTURE.gateway().log().stream()
                .map(line::matcher)
                .filter(Matcher::find)
                .map(found -> Integer.parseInt(found.group(1)))
                .findFirst()
                .orElse(-1),
        bytes -> bytes >= 0);
  }

  @Test
  void bytesInOfTheLogIsWhatWasReadNotWhatWasClaimed() throws IOException {
    String body = "{\"user_id\":\"maria_k\",\"query\":\"x\"}";
    String chunked = Integer.toHexString(body.length()) + "\r\n" + body + "\r\n" + "0\r\n\r\n";
    String key = "X-API-Key: " + FIXTURE.gateway().key(List.of("maria_k"), "elr:read") + "\r\n";
    assertEquals(0, loggedBytes("unread", "Content-Length: 900000", ""));
    assertEquals(5, loggedBytes("cut", key + "Content-Length: 900000", "{\"a\":"));
    assertEquals(
        body.length(), loggedBytes("chunked", key + "Transfer-Encoding: chunked", chunked));
    assertEquals(
        body.length(), loggedBytes("whole", key + "Content-Length: " + body.length(), body));
  }

  @Test
  void anUnknownMethodIs501AndATooLongTarget414() throws IOException {
    assertEquals(501, RawHttpClient.statusOf(PORT, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"));
    String target = "/healthz?x=" + "y".repeat(9000);
    String uri = "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    assertEquals(414, RawHttpClient.statusOf(PORT, uri));
    String header = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + "z".repeat(17000) + "\r\n\r\n";
    assertEquals(431, RawHttpClient.statusOf(PORT, header));
  }

  @Test
  void theRefusalOfAHeadThatIsNotReadWholeHasNoBodyToo() throws IOException {
    assumeTrue(TestGateway.isEdge(), "the JDK's server refuses by itself");
    for (String line : List.of("HEAD /" + "y".repeat(9000), "HEAD /\n", "HEAD /\0")) {
      String answer = exchange(line + " HTTP/1.1\r\nHost: a\r\n\r\n");
      assertTrue(answer.startsWith("HTTP/1.1 4"), answer);
      assertTrue(answer.endsWith("\r\n\r\n"), answer);
    }
  }

  @Test
  void validRequestsInSequenceShareAConnection() throws IOException {
    String get = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    String last = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    String answer = exchange(get + get + last);
    assertEquals(3, answers(answer), answer);
  }
}
