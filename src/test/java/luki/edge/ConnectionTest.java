package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.RawHttpClient;
import luki.http1.Refusals;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How requests follow one another on a connection. */
class ConnectionTest {
  private static final String GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  private static final String LAST = "GET /z HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  private EdgeTestServer server;

  @BeforeEach
  void start() throws IOException {
    server = new EdgeTestServer(EdgeTestServer.echo());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static int answers(String raw) {
    return raw.split("HTTP/1\\.1 200", -1).length - 1;
  }

  @Test
  void aConnectionServesManyRequests() throws IOException {
    try (RawHttpClient client = server.connect()) {
      for (int i = 0; i < 50; i++) {
        client.send("POST /" + i + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
        assertTrue(client.readReply().endsWith("POST /" + i + " abc"));
      }
    }
  }

  @Test
  void aThousandRequestsInOnePacketAreAnsweredInOrder() throws IOException {
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < 1000; i++) {
      all.append("GET /").append(i).append(" HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    try (RawHttpClient client = server.connect()) {
      client.send(all.toString());
      for (int i = 0; i < 1000; i++) {
        assertTrue(client.readReply().endsWith("GET /" + i + " "));
      }
    }
  }

  @Test
  void closeIsDoneAndSaid() throws IOException {
    String answer = server.ask(GET + LAST + GET);
    assertEquals(2, answers(answer));
    assertTrue(answer.contains("Connection: close\r\n"));
  }

  @Test
  void http10ClosesUnlessItAsksNotTo() throws IOException {
    String plain = server.ask("GET /a HTTP/1.0\r\n\r\n");
    assertEquals(1, answers(plain));
    assertTrue(plain.contains("Connection: close\r\n"));
    try (RawHttpClient client = server.connect()) {
      client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assertTrue(client.readReply().contains("Connection: keep-alive\r\n"));
      client.send("GET /b HTTP/1.0\r\n\r\n");
      assertTrue(client.readToEnd().endsWith("GET /b "));
    }
  }

  @Test
  void aHalfClosedClientIsStillAnswered() throws IOException {
    try (RawHttpClient client = server.connect()) {
      client.send(GET);
      client.socket().shutdownOutput();
      assertTrue(client.readToEnd().endsWith("GET /a "));
    }
  }

  @Test
  void headHasTheLengthAndNoBody() throws IOException {
    String answer = server.ask("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + LAST);
    assertTrue(answer.contains("Content-Length: 8\r\n"), answer);
    assertFalse(answer.contains("HEAD /a"), answer);
    assertTrue(answer.endsWith("GET /z "), answer);
  }

  @Test
  void anExpectingClientIsToldToGoOnWhenItsBodyIsRead() throws IOException {
    try (RawHttpClient client = server.connect()) {
      client.send(
          "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
      assertEquals("HTTP/1.1 100 Continue\r\n\r\n", client.readUntil("\r\n\r\n"));
      client.send("abc");
      assertTrue(client.readReply().endsWith("POST /a abc"));
    }
  }

  @Test
  void anExpectingClientWhoseBodyNobodyReadsIsAnsweredAtOnceAndLeft() throws IOException {
    try (EdgeTestServer refusing =
            new EdgeTestServer(exchange -> exchange.sendResponseHeaders(401, -1));
        RawHttpClient client = refusing.connect()) {
      client.send(
          "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
      String answer = client.readToEnd();
      assertTrue(answer.startsWith("HTTP/1.1 401 Unauthorized\r\n"), answer);
      assertTrue(answer.contains("Connection: close\r\n"), answer);
    }
  }

  @Test
  void theRestOfASmallBodyIsSkippedAndOfALargeOneNot() throws IOException {
    try (EdgeTestServer deaf =
        new EdgeTestServer(exchange -> exchange.sendResponseHeaders(200, -1))) {
      String post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: ";
      assertEquals(2, answers(deaf.ask(post + "5\r\n\r\nabcde" + LAST)));
      String chunked = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
      assertEquals(2, answers(deaf.ask(chunked + "3\r\nabc\r\n0\r\nX: y\r\n\r\n" + LAST)));
      assertEquals(1, answers(deaf.ask(post + "2000000\r\n\r\n" + "x".repeat(2000000) + LAST)));
      String large = "10000\r\n" + "x".repeat(65536) + "\r\n1\r\nx\r\n0\r\n\r\n";
      assertEquals(1, answers(deaf.ask(chunked + large + LAST)));
    }
  }

  @Test
  void aChunkBeyondTheDrainLimitIsNotWaitedForAfterAnEarlyReply() throws IOException {
    try (EdgeTestServer deaf =
        new EdgeTestServer(exchange -> exchange.sendResponseHeaders(200, -1))) {
      String chunked = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
      for (String sent : List.of("ffffffff\r\n", "10001\r\nx", "1\r\nx\r\n10000\r\n")) {
        long start = System.nanoTime();
        assertEquals(1, answers(deaf.ask(chunked + sent)));
        assertTrue(System.nanoTime() - start < 2_000_000_000L, sent);
      }
    }
  }

  @Test
  void anAbsoluteTargetIsReducedToItsPath() throws IOException {
    String answer =
        server.ask("GET http://h/x?y=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assertTrue(answer.endsWith("GET /x?y=1 "), answer);
  }

  @Test
  void oneHandlerServesEveryTarget() throws IOException {
    for (String line :
        List.of("OPTIONS *", "GET //x/y", "GET /%2e%2E/a%2Fb", "GET /?", "PUT /a;b")) {
      String answer = server.ask(line + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
      assertTrue(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
      assertTrue(answer.endsWith(line.replace("//", "/.//") + " "), answer);
    }
    assertThrows(
        UnsupportedOperationException.class, () -> server.server().createContext("/other"));
  }

  @Test
  void fiveThousandQuickConnectsLeaveNothingBehind() throws IOException {
    EdgeLimits usual = UsualLimits.edge();
    EdgeLimits fifty =
        new EdgeLimits(
            usual.head(),
            usual.headTime(),
            usual.bodyBytes(),
            usual.bodyTime(),
            usual.idle(),
            usual.write(),
            50,
            50);
    try (EdgeTestServer small = new EdgeTestServer(fifty, Refusals.BARE, EdgeTestServer.echo())) {
      for (int i = 0; i < 5000; i++) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), small.port())) {
          if (i % 2 == 0) {
            socket.setSoLinger(true, 0);
          }
        }
      }
      // Had fifty of them stayed, nobody would be served any more.
      String answer = "";
      while (answer.isEmpty()) {
        answer = small.ask(LAST);
      }
      assertTrue(answer.endsWith("GET /z "), answer);
    }
  }

  @Test
  void stopLetsAnExchangeFinish() throws Exception {
    CountDownLatch working = new CountDownLatch(2);
    HttpHandler handler =
        exchange -> {
          working.countDown();
          EdgeTestServer.echo().handle(exchange);
        };
    try (EdgeTestServer stopped = new EdgeTestServer(handler);
        RawHttpClient client = stopped.connect();
        RawHttpClient idle = stopped.connect()) {
      idle.send(GET);
      idle.readReply();
      client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na");
      assertTrue(working.await(5, TimeUnit.SECONDS));
      Thread stopping = Thread.ofVirtual().start(() -> stopped.server().stop(5));
      assertTrue(idle.isClosed());
      client.send("bc");
      assertTrue(client.readToEnd().endsWith("POST /a abc"));
      stopping.join();
    }
  }
}
