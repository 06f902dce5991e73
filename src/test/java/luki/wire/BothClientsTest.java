package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import luki.gateway.standin.RawUpstream;
import luki.http1.Fields;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A program written for the JDK's client sees the same from this one. JUnit closes the clients. */
@Timeout(60)
class BothClientsTest {
  static Stream<HttpClient> clients() {
    return Stream.of(
        new WireClient(Calls.SETTINGS),
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(1))
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build());
  }

  private static RawUpstream echo() {
    return RawUpstream.serving(
        (connection, request) -> {
          String said = request.substring(request.indexOf("\r\n\r\n") + 4);
          String first = request.lines().findFirst().orElse("");
          String body = first + "|" + said;
          connection.send(
              "HTTP/1.1 201 Created\r\nX-One: 1\r\nx-two: a\r\nX-Two: b\r\nContent-Length: "
                  + body.length()
                  + "\r\n\r\n"
                  + body);
        });
  }

  private static PreparedRequest request(
      String method, PreparedRequest.Origin to, String body, Duration limit) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return new PreparedRequest(
        to, method, "/p%20q?r=s", Fields.of("X-A", "b"), bytes, Calls.after(limit));
  }

  private static HttpResponse<InputStream> call(HttpClient client, PreparedRequest request)
      throws IOException, InterruptedException {
    return client.send(request, new TimedBody(PreparedRequest.NEVER));
  }

  private static String text(HttpResponse<InputStream> reply) throws IOException {
    try (InputStream body = reply.body()) {
      return new String(body.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void statusHeadersAndBodiesAreTheSame(HttpClient client) throws Exception {
    try (RawUpstream service = echo()) {
      Duration limit = Duration.ofSeconds(5);
      PreparedRequest.Origin to = Calls.origin(service);
      HttpResponse<InputStream> posted = call(client, request("POST", to, "hello", limit));
      assertEquals(201, posted.statusCode());
      assertEquals("POST /p%20q?r=s HTTP/1.1|hello", text(posted));
      assertEquals("1", posted.headers().firstValue("x-one").orElseThrow());
      assertEquals(2, posted.headers().allValues("X-TWO").size());
      assertEquals(HttpClient.Version.HTTP_1_1, posted.version());
      assertEquals(URI.create(service.url() + "/p%20q?r=s"), posted.uri());
      assertEquals(posted.request().uri(), posted.uri());
      assertTrue(posted.previousResponse().isEmpty());
      HttpResponse<InputStream> got = call(client, request("GET", to, "", limit));
      assertEquals("GET /p%20q?r=s HTTP/1.1|", text(got));
      HttpResponse<InputStream> deleted = call(client, request("DELETE", to, "", limit));
      assertTrue(text(deleted).startsWith("DELETE /"));
      HttpResponse<InputStream> replaced = call(client, request("PUT", to, "x", limit));
      assertEquals(25, text(replaced).length());
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void failuresAreTheSameKindOfExceptions(HttpClient client) throws Exception {
    try (RawUpstream silent = RawUpstream.start(c -> c.stallUntilClosed());
        RawUpstream rude = RawUpstream.start(c -> c.reset())) {
      PreparedRequest late = prepared(silent, Duration.ofMillis(200));
      assertThrows(HttpTimeoutException.class, () -> call(client, late));
      PreparedRequest broken = prepared(rude, Duration.ofSeconds(5));
      assertThrows(IOException.class, () -> call(client, broken));
      PreparedRequest.Origin nobody = Calls.origin("127.0.0.1", 1);
      PreparedRequest refused = request("GET", nobody, "", Duration.ofSeconds(5));
      assertThrows(ConnectException.class, () -> call(client, refused));
    }
  }

  private static PreparedRequest prepared(RawUpstream service, Duration limit) {
    return request("POST", Calls.origin(service), "hello", limit);
  }

  @ParameterizedTest
  @MethodSource("clients")
  void aPreparedRequestAndATimedBodyAreTakenAsTheyAre(HttpClient client) throws Exception {
    try (RawUpstream service = echo()) {
      HttpResponse<InputStream> reply =
          client.send(
              prepared(service, Duration.ofSeconds(5)),
              new TimedBody(Calls.after(Duration.ofSeconds(5))));
      assertEquals(201, reply.statusCode());
      assertEquals("a", reply.headers().firstValue("X-TWO").orElseThrow());
      try (InputStream body = reply.body()) {
        assertEquals(
            "POST /p%20q?r=s HTTP/1.1|hello",
            new String(body.readAllBytes(), StandardCharsets.UTF_8));
      }
      String sent = service.requests().getFirst();
      assertTrue(sent.contains("\r\nX-A: b\r\n"), sent);
      assertTrue(sent.contains("\r\nHost: 127.0.0.1:" + service.port() + "\r\n"), sent);
      assertTrue(sent.contains("\r\nContent-Length: 5\r\n"), sent);
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void theDeadlineOfTheHeadIsKept(HttpClient client) {
    try (RawUpstream service = RawUpstream.answeringInTurn("HTTP/1.1 200 OK\r\nA: ")) {
      PreparedRequest request = prepared(service, Duration.ofMillis(300));
      long began = System.nanoTime();
      assertThrows(
          HttpTimeoutException.class,
          () -> client.send(request, new TimedBody(PreparedRequest.NEVER)));
      assertTrue(Duration.ofNanos(System.nanoTime() - began).toMillis() < 2000);
      service.awaitClosed();
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void theDeadlineOfTheBodyIsKept(HttpClient client) throws Exception {
    try (RawUpstream service = RawUpstream.answeringInTurn(Calls.UNFINISHED)) {
      long began = System.nanoTime();
      HttpResponse<InputStream> reply =
          client.send(
              prepared(service, Duration.ofSeconds(10)),
              new TimedBody(Calls.after(Duration.ofMillis(300))));
      InputStream body = reply.body();
      assertEquals(2, body.readNBytes(2).length);
      assertThrows(HttpTimeoutException.class, () -> body.read());
      long millis = Duration.ofNanos(System.nanoTime() - began).toMillis();
      assertTrue(millis >= 290 && millis < 2000, millis + " ms");
      service.awaitClosed();
      assertThrows(IOException.class, () -> body.read());
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void closingABodyBeforeItsEndEndsTheCall(HttpClient client) throws Exception {
    try (RawUpstream service = RawUpstream.answeringInTurn(Calls.UNFINISHED)) {
      HttpResponse<InputStream> reply =
          client.send(
              prepared(service, Duration.ofSeconds(10)),
              new TimedBody(Calls.after(Duration.ofSeconds(10))));
      assertEquals(2, reply.body().readNBytes(2).length);
      reply.body().close();
      service.awaitClosed();
      assertThrows(IOException.class, () -> reply.body().read());
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void aBodyWithoutADeadlineMayTakeLongerThanItsHead(HttpClient client) throws Exception {
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
              Thread.sleep(500);
              connection.send("i");
            })) {
      HttpResponse<InputStream> reply =
          client.send(
              prepared(service, Duration.ofMillis(400)), new TimedBody(PreparedRequest.NEVER));
      try (InputStream body = reply.body()) {
        assertEquals("hi", new String(body.readAllBytes(), StandardCharsets.US_ASCII));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void aClosedClientTakesNoCalls(HttpClient client) throws Exception {
    try (RawUpstream service = echo()) {
      assertEquals(201, call(client, prepared(service, Duration.ofSeconds(5))).statusCode());
      client.shutdownNow();
      PreparedRequest later = prepared(service, Duration.ofSeconds(5));
      assertThrows(IOException.class, () -> call(client, later));
      assertTrue(client.awaitTermination(Duration.ofSeconds(5)));
    }
  }
}
