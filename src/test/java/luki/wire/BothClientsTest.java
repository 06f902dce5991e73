package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
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
    return RawUpstream.start(
        connection -> {
          while (true) {
            String request = connection.readRequest();
            String said = request.substring(request.indexOf("\r\n\r\n") + 4);
            String first = request.lines().findFirst().orElse("");
            String body = first + "|" + said;
            connection.send(
                "HTTP/1.1 201 Created\r\nX-One: 1\r\nx-two: a\r\nX-Two: b\r\nContent-Length: "
                    + body.length()
                    + "\r\n\r\n"
                    + body);
          }
        });
  }

  private static HttpRequest.Builder to(RawUpstream service) {
    return HttpRequest.newBuilder(URI.create(service.url() + "/p%20q?r=s"));
  }

  @ParameterizedTest
  @MethodSource("clients")
  void statusHeadersAndBodiesAreTheSame(HttpClient client) throws Exception {
    try (RawUpstream service = echo()) {
      HttpResponse<String> posted =
          client.send(
              to(service).POST(HttpRequest.BodyPublishers.ofString("hello")).build(),
              HttpResponse.BodyHandlers.ofString());
      assertEquals(201, posted.statusCode());
      assertEquals("POST /p%20q?r=s HTTP/1.1|hello", posted.body());
      assertEquals("1", posted.headers().firstValue("x-one").orElseThrow());
      assertEquals(2, posted.headers().allValues("X-TWO").size());
      assertEquals(HttpClient.Version.HTTP_1_1, posted.version());
      HttpResponse<InputStream> stream =
          client.send(to(service).GET().build(), HttpResponse.BodyHandlers.ofInputStream());
      try (InputStream in = stream.body()) {
        assertEquals(
            "GET /p%20q?r=s HTTP/1.1|", new String(in.readAllBytes(), StandardCharsets.UTF_8));
      }
      HttpResponse<byte[]> later =
          client
              .sendAsync(to(service).DELETE().build(), HttpResponse.BodyHandlers.ofByteArray())
              .get();
      assertTrue(new String(later.body(), StandardCharsets.UTF_8).startsWith("DELETE /"));
      HttpResponse<Long> mapped =
          client.send(
              to(service).build(),
              _ ->
                  HttpResponse.BodySubscribers.mapping(
                      HttpResponse.BodySubscribers.ofString(StandardCharsets.UTF_8),
                      text -> (long) text.length()));
      assertEquals(24, mapped.body());
    }
  }

  @ParameterizedTest
  @MethodSource("clients")
  void failuresAreTheSameKindOfExceptions(HttpClient client) throws Exception {
    try (RawUpstream silent = RawUpstream.start(c -> c.stallUntilClosed());
        RawUpstream rude = RawUpstream.start(c -> c.reset())) {
      assertThrows(
          HttpTimeoutException.class,
          () ->
              client.send(
                  to(silent).timeout(Duration.ofMillis(200)).build(),
                  HttpResponse.BodyHandlers.discarding()));
      assertThrows(
          IOException.class,
          () -> client.send(to(rude).build(), HttpResponse.BodyHandlers.discarding()));
      assertThrows(
          ConnectException.class,
          () ->
              client.send(
                  HttpRequest.newBuilder(URI.create("http://127.0.0.1:1/")).build(),
                  HttpResponse.BodyHandlers.discarding()));
    }
  }

  private static PreparedRequest prepared(RawUpstream service, Duration limit) {
    byte[] body = "hello".getBytes(StandardCharsets.UTF_8);
    Fields fields = Fields.of("X-A", "b");
    return new PreparedRequest(
        Calls.origin(service), "POST", "/p%20q?r=s", fields, body, Calls.after(limit));
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
      client.send(to(service).build(), HttpResponse.BodyHandlers.ofString());
      client.shutdownNow();
      assertThrows(
          IOException.class,
          () -> client.send(to(service).build(), HttpResponse.BodyHandlers.ofString()));
      assertTrue(client.awaitTermination(Duration.ofSeconds(5)));
    }
  }
}
