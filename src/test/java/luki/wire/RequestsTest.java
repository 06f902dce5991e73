package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.Fields;
import luki.http1.PreparedRequest;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is sent, down to its bytes, and bodies of every kind. */
@Timeout(60)
class RequestsTest {
  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  @Test
  void theBytesAreTheseAndNoOthers() throws Exception {
    try (RawUpstream service = RawUpstream.answering(Calls.OK)) {
      PreparedRequest request =
          new PreparedRequest(
              Calls.origin(service),
              "POST",
              "/a%20b?c=d",
              Fields.of("Content-Type", "application/json", "X-A", "b"),
              "{}".getBytes(StandardCharsets.UTF_8),
              Calls.after(Duration.ofSeconds(5)));
      Calls.body(client, request);
      assertEquals(
          List.of(
              ("""
              POST /a%20b?c=d HTTP/1.1
              Host: 127.0.0.1:"""
                      + service.port()
                      + """

              Content-Type: application/json
              X-A: b
              Content-Length: 2

              {}""")
                  .replace("\n", "\r\n")),
          service.requests());
    }
  }

  private static PreparedRequest request(String method, String target, Fields fields) {
    PreparedRequest.Origin origin = Calls.origin("127.0.0.1", 9);
    return new PreparedRequest(origin, method, target, fields, new byte[0], PreparedRequest.NEVER);
  }

  @Test
  void aRequestThatCouldBeReadInTwoWaysCannotBeMade() {
    for (String target :
        List.of("", "x", "/a b", "/a\r\nX: y", "/\u00e9", "/\u0000", "/%", "/%zz", "http://a/")) {
      assertThrows(
          IllegalArgumentException.class, () -> request("GET", target, Fields.NONE), target);
    }
    for (String method : List.of("", "GET /", "G\r\nET")) {
      assertThrows(IllegalArgumentException.class, () -> request(method, "/", Fields.NONE), method);
    }
    for (String name :
        List.of("Host", "content-length", "Transfer-Encoding", "connection", "expect")) {
      assertThrows(
          IllegalArgumentException.class, () -> request("GET", "/", Fields.of(name, "1")), name);
    }
    assertThrows(IllegalArgumentException.class, () -> Fields.of("A", "b\r\nC: d"));
    assertThrows(IllegalArgumentException.class, () -> Fields.of("A B", "c"));
  }

  @Test
  void whatTheInterfaceHasAndThisClientHasNotIsRefusedWithAWayOut() {
    HttpRequest two =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:9/"))
            .version(HttpClient.Version.HTTP_2)
            .build();
    HttpRequest expecting =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:9/")).expectContinue(true).build();
    for (HttpRequest request : List.of(two, expecting)) {
      UnsupportedOperationException refused =
          assertThrows(
              UnsupportedOperationException.class,
              () -> client.send(request, HttpResponse.BodyHandlers.discarding()));
      assertTrue(refused.getMessage().contains("HTTP_CLIENT=jdk"));
    }
    assertThrows(UnsupportedOperationException.class, client::newWebSocketBuilder);
  }

  @Test
  void aLongBodyIsSentWholeAndItsConnectionServesAgain() throws Exception {
    byte[] body = new byte[300_000];
    Arrays.fill(body, (byte) 'x');
    String text = new String(body, StandardCharsets.US_ASCII);
    try (RawUpstream service = RawUpstream.answering(Calls.OK)) {
      for (int i = 0; i < 3; i++) {
        assertEquals("200 hi", Calls.body(client, Calls.post(service, text)));
      }
      assertEquals(1, service.connections());
      assertTrue(
          service.requests().getLast().endsWith("\r\nContent-Length: 300000\r\n\r\n" + text));
    }
  }

  @Test
  void anAnswerBeforeTheWholeBodyWasSentIsGivenAndTheUploadStops() throws Exception {
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
              Thread.sleep(Duration.ofSeconds(30));
            })) {
      long began = System.nanoTime();
      PreparedRequest request =
          new PreparedRequest(
              Calls.origin(service),
              "POST",
              "/",
              Fields.NONE,
              new byte[32 * 1024 * 1024],
              Calls.after(Duration.ofSeconds(30)));
      assertEquals("413 no", Calls.body(client, request));
      assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 5);
      Waiting.until(Duration.ofSeconds(5), () -> client.connections() == 0);
    }
  }
}
