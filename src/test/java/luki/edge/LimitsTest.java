package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import luki.http1.BadMessage.Reason;
import luki.http1.ByteBudget;
import luki.http1.EngineExchange;
import luki.http1.Refusals;
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
  void theRestOfABodyAfterAnEarlyReplyMustArriveInTheTimeOfABody() throws IOException {
    EdgeLimits limits = EdgeTestServer.within(LONG, Duration.ofMillis(500), LONG, LONG);
    try (EdgeTestServer server =
            new EdgeTestServer(limits, this::answer, http -> EdgeTestServer.answer(http, 401, ""));
        RawHttpClient client = server.connect()) {
      client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
      client.readReply();
      client.socket().setSoTimeout(50);
      int pieces = 0;
      boolean open = true;
      while (open) {
        try {
          // Above the pace, so that only a limit of the whole ends it.
          client.sendAsFarAsTaken(new byte[600]);
          pieces++;
          open = !client.isClosed();
        } catch (SocketTimeoutException stillOpen) {
          open = pieces < 90;
        }
      }
      assertTrue(pieces < 90, "closed after " + pieces + " pieces");
      assertEquals(List.of(), refused());
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
    try (EdgeTestServer server = serving(UsualLimits.edge())) {
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
    EdgeLimits usual = UsualLimits.edge();
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
    EdgeLimits usual = UsualLimits.edge();
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

  private static final Duration PACE = Duration.ofMillis(10);
  private static final String POST = "POST /a HTTP/1.1\r\nHost: h\r\n";
  private static final String CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n";

  private final AtomicInteger timeouts = new AtomicInteger();

  private EdgeTestServer counting(EdgeLimits limits, HttpHandler handler) throws IOException {
    Refusals counting =
        (exchange, reason) -> {
          if (reason == Reason.TIMEOUT) {
            timeouts.incrementAndGet();
          }
          Refusals.BARE.handle(exchange, reason);
        };
    return new EdgeTestServer(limits, counting, handler);
  }

  /** Begins so, then sends the text byte by byte, over and over, until the server closes. */
  private static String trickle(EdgeTestServer server, String begun, String text) throws Exception {
    try (RawHttpClient client = server.connect()) {
      client.send(begun);
      Thread sender = Thread.ofVirtual().start(() -> send(client, text));
      try {
        return client.readToEnd();
      } finally {
        sender.interrupt();
        sender.join();
      }
    }
  }

  private static void send(RawHttpClient client, String text) {
    try {
      for (int i = 0; true; i = (i + 1) % text.length()) {
        client.send(text.substring(i, i + 1));
        Thread.sleep(PACE);
      }
    } catch (IOException closed) {
      // What it was sent for.
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  private static int replies(String raw) {
    return raw.split("HTTP/1\\.1 [2-5]", -1).length - 1;
  }

  /** What comes first, and what then trickles. */
  private record Trickle(String begun, String text) {}

  @Test
  void aTricklingBodyIs408WhereverItTrickles() throws Exception {
    List<Trickle> bodies =
        List.of(
            new Trickle(POST + "Content-Length: 1000000\r\n\r\n", "x"),
            new Trickle(CHUNKED + "f4240\r\n", "x"),
            new Trickle(CHUNKED, "1\r\nx\r\n"),
            new Trickle(CHUNKED + "1;", "a;"),
            new Trickle(CHUNKED + "1\r\nx\r\n0\r\n", "X: y\r\n"));
    try (EdgeTestServer server =
        counting(EdgeTestServer.within(LONG, SHORT, LONG, LONG), EdgeTestServer.echo())) {
      for (Trickle body : bodies) {
        String answer = trickle(server, body.begun(), body.text());
        assertTrue(answer.startsWith("HTTP/1.1 408 "), body + ": " + answer);
        assertEquals(1, replies(answer), body + ": " + answer);
      }
      assertEquals(bodies.size(), timeouts.get());
    }
  }

  @Test
  void aBodyThatTricklesAfterItWasAskedForIs408() throws Exception {
    try (EdgeTestServer server =
        counting(EdgeTestServer.within(LONG, SHORT, LONG, LONG), EdgeTestServer.echo())) {
      String expecting = POST + "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n";
      String answer = trickle(server, expecting, "x");
      assertTrue(answer.startsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 "), answer);
    }
  }

  @Test
  void aTricklingHeadIs408() throws Exception {
    try (EdgeTestServer server =
        counting(EdgeTestServer.within(SHORT, LONG, LONG, LONG), EdgeTestServer.echo())) {
      for (String begun : List.of("", "GET / HTTP/1.1\r\nHost: h\r\n")) {
        String answer = trickle(server, begun, begun.isEmpty() ? "G" : "X: y\r\n");
        assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
      }
    }
  }

  @Test
  void aTricklingBodyThatNobodyReadsDoesNotKeepItsConnectionAndIsAnsweredOnce() throws Exception {
    HttpHandler deaf = exchange -> exchange.sendResponseHeaders(401, -1);
    try (EdgeTestServer server = counting(EdgeTestServer.within(LONG, SHORT, LONG, LONG), deaf)) {
      for (String begun : List.of(POST + "Content-Length: 9000\r\n\r\n", CHUNKED + "2328\r\n")) {
        String answer = trickle(server, begun, "x");
        assertTrue(answer.startsWith("HTTP/1.1 401 "), answer);
        assertEquals(1, replies(answer), answer);
      }
      assertEquals(0, timeouts.get());
    }
  }

  @Test
  void aSlowBodyThatBringsEnoughInEachSpanIsTakenHoweverLongItLasts() throws Exception {
    int enough = 100;
    int spans = 10;
    Duration span = SHORT;
    EdgeLimits usual = UsualLimits.edge();
    EdgeLimits limits =
        new EdgeLimits(usual.head(), LONG, enough, span, LONG, LONG, usual.connections(), 0);
    AtomicLong now = new AtomicLong();
    Semaphore swept = new Semaphore(0);
    LongSupplier clock =
        () -> {
          if (!Thread.currentThread().isVirtual()) {
            swept.release();
          }
          return now.get();
        };
    Semaphore taken = new Semaphore(0);
    AtomicReference<Thread> reader = new AtomicReference<>();
    HttpServer server =
        new EdgeServer(
            limits,
            exchange -> {
              reader.set(Thread.currentThread());
              InputStream body = exchange.getRequestBody();
              while (body.read() >= 0) {
                taken.release();
              }
              exchange.sendResponseHeaders(200, -1);
            },
            Refusals.BARE,
            new ByteBudget(Long.MAX_VALUE),
            clock,
            new Connections(limits));
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.start();
    try (RawHttpClient client = new RawHttpClient(server.getAddress().getPort())) {
      client.send(POST + "Content-Length: " + spans * enough + "\r\n\r\n");
      for (int i = 0; i < spans; i++) {
        // Only time that it spends waiting for the client counts.
        Waiting.until(Duration.ofSeconds(5), () -> isWaiting(reader.get()));
        now.addAndGet(span.toNanos() * 9 / 10);
        // One look that began after that has to be over.
        swept.drainPermits();
        assertTrue(swept.tryAcquire(2, 5, TimeUnit.SECONDS));
        client.send("x".repeat(enough));
        assertTrue(taken.tryAcquire(enough, 5, TimeUnit.SECONDS), "stopped in span " + i);
      }
      assertTrue(client.readReply().startsWith("HTTP/1.1 200 "));
    } finally {
      server.stop(0);
    }
  }

  private static boolean isWaiting(Thread thread) {
    return thread != null && thread.getState() == Thread.State.WAITING;
  }
}
