package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.RawHttpClient;
import luki.http1.BadMessage.Reason;
import luki.http1.EngineExchange;
import org.junit.jupiter.api.Test;

/** What one client may take, in bytes, time and connections. */
class LimitsTest {
  private static final String GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  private static final String LAST = "GET /z HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Duration SHORT = Duration.ofMillis(200);

  private record SeenRefusal(Reason reason, String method, long nanos, InetAddress peer) {}

  private final List<SeenRefusal> refused = new ArrayList<>();

  private synchronized void answer(HttpExchange exchange, Reason reason) throws IOException {
    long nanos = System.nanoTime() - EngineExchange.of(exchange).receivedNanos();
    InetAddress peer = exchange.getRemoteAddress().getAddress();
    refused.add(new SeenRefusal(reason, exchange.getRequestMethod(), nanos, peer));
    exchange.getResponseHeaders().add("X-Refused", "yes");
    EdgeTestServer.answer(exchange, reason.status(), "{\"no\":true}");
  }

  private EdgeTestServer serving(EdgeLimits limits) throws IOException {
    return new EdgeTestServer(limits, this::answer, EdgeTestServer.echo());
  }

  private synchronized List<SeenRefusal> refused() {
    return List.copyOf(refused);
  }

  @Test
  void aHeadThatDoesNotEndInTimeIs408() throws IOException {
    try (EdgeTestServer server = serving(EdgeTestServer.within(SHORT, LONG, LONG, LONG))) {
      for (String begun : List.of("G", "GET / HTTP/1.1\r\nHost: h\r\nX: ")) {
        String answer = server.ask(begun);
        assertTrue(answer.startsWith("HTTP/1.1 408 Request Timeout\r\n"), answer);
        assertTrue(answer.contains("X-refused: yes\r\n"), answer);
        assertTrue(answer.endsWith("{\"no\":true}"), answer);
      }
      assertEquals(2, refused().size());
      assertEquals(Reason.TIMEOUT, refused().getLast().reason());
      assertEquals("GET", refused().getLast().method());
      assertTrue(refused().getLast().nanos() >= SHORT.toNanos());
      assertTrue(refused().getLast().peer().isLoopbackAddress());
    }
  }

  @Test
  void aBodyThatComesTooSlowlyIs408() throws IOException {
    try (EdgeTestServer server = serving(EdgeTestServer.within(LONG, SHORT, LONG, LONG))) {
      String answer = server.ask("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
      assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
      assertEquals(1, refused().size());
    }
  }

  @Test
  void anIdleConnectionIsClosedWithoutAWord() throws IOException {
    try (EdgeTestServer server = serving(EdgeTestServer.within(LONG, LONG, SHORT, LONG));
        RawHttpClient fresh = server.connect();
        RawHttpClient used = server.connect()) {
      used.send(GET);
      used.readReply();
      assertEquals("", fresh.readToEnd());
      assertEquals("", used.readToEnd());
      assertEquals(List.of(), refused());
    }
  }

  @Test
  void aHandlerMayTakeItsTime() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    EdgeLimits limits = EdgeTestServer.within(SHORT, SHORT, SHORT, SHORT);
    try (EdgeTestServer server =
            new EdgeTestServer(
                limits,
                this::answer,
                exchange -> {
                  try {
                    release.await();
                  } catch (InterruptedException stopped) {
                    throw new IOException(stopped);
                  }
                  EdgeTestServer.echo().handle(exchange);
                });
        RawHttpClient client = server.connect();
        RawHttpClient idle = server.connect()) {
      client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
      // By the time that this one is closed, every limit has passed for the other one as well.
      assertTrue(idle.isClosed());
      release.countDown();
      assertTrue(client.readReply().endsWith("POST /a abc"));
    }
  }

  @Test
  void aReplyThatIsNotReadIsGivenUp() throws Exception {
    CountDownLatch failed = new CountDownLatch(1);
    try (EdgeTestServer server =
            new EdgeTestServer(
                EdgeTestServer.within(LONG, LONG, LONG, SHORT),
                this::answer,
                exchange -> {
                  exchange.sendResponseHeaders(200, 0);
                  byte[] piece = new byte[64 * 1024];
                  try {
                    while (true) {
                      exchange.getResponseBody().write(piece);
                    }
                  } catch (IOException stalled) {
                    failed.countDown();
                    throw stalled;
                  }
                });
        RawHttpClient client = server.connect()) {
      client.send(GET);
      assertTrue(failed.await(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void theLimitsOfSizeAre414And431() throws IOException {
    try (EdgeTestServer server = serving(EdgeLimits.usual())) {
      String long8k = "GET /" + "x".repeat(8192) + " HTTP/1.1\r\nHost: h\r\n\r\n";
      assertTrue(server.ask(long8k).startsWith("HTTP/1.1 414 "));
      String fits =
          "GET /" + "x".repeat(8000) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
      assertTrue(server.ask(fits).startsWith("HTTP/1.1 200 "));
      String bomb = "GET / HTTP/1.1\r\nHost: h\r\nX: " + "x".repeat(20_000) + "\r\n\r\n";
      assertTrue(server.ask(bomb).startsWith("HTTP/1.1 431 "));
      String many = "GET / HTTP/1.1\r\nHost: h\r\n" + "X: y\r\n".repeat(100) + "\r\n";
      assertTrue(server.ask(many).startsWith("HTTP/1.1 431 "));
    }
  }

  @Test
  void beyondTheMostConnectionsClientsWaitAndAreThenServed() throws IOException {
    EdgeLimits usual = EdgeLimits.usual();
    EdgeLimits two = new EdgeLimits(usual.head(), LONG, usual.bodyBytes(), LONG, LONG, LONG, 2, 0);
    try (EdgeTestServer server = serving(two);
        RawHttpClient third = openThird(server)) {
      third.send(LAST);
      assertTrue(third.readToEnd().endsWith("GET /z "));
    }
  }

  /** Two that are served, a third that waits; then the first leaves. */
  private static RawHttpClient openThird(EdgeTestServer server) throws IOException {
    RawHttpClient second;
    RawHttpClient third;
    try (RawHttpClient first = server.connect()) {
      first.send(GET);
      first.readReply();
      second = server.connect();
      second.send(GET);
      second.readReply();
      third = server.connect();
      second.send(GET);
      second.readReply();
    }
    return third;
  }

  @Test
  void anAddressHasOnlySoManyConnections() throws IOException {
    EdgeLimits usual = EdgeLimits.usual();
    EdgeLimits one = new EdgeLimits(usual.head(), LONG, usual.bodyBytes(), LONG, LONG, LONG, 10, 1);
    try (EdgeTestServer server = serving(one)) {
      try (RawHttpClient first = server.connect();
          RawHttpClient second = server.connect()) {
        first.send(GET);
        first.readReply();
        assertTrue(second.isClosed());
        first.send(LAST);
        assertTrue(first.readToEnd().endsWith("GET /z "));
      }
      String answer = "";
      while (answer.isEmpty()) {
        answer = server.ask(LAST);
      }
      assertTrue(answer.endsWith("GET /z "), answer);
    }
  }
}
