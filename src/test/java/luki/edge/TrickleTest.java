package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import luki.http1.BadMessage.Reason;
import luki.http1.Refusals;
import org.junit.jupiter.api.Test;

/**
 * Clients that go on sending, so that no read ever waits for long, and that send next to nothing.
 */
class TrickleTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Duration SHORT = Duration.ofMillis(200);
  private static final Duration PACE = Duration.ofMillis(10);
  private static final String POST = "POST /a HTTP/1.1\r\nHost: h\r\n";
  private static final String CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n";

  private final AtomicInteger timeouts = new AtomicInteger();

  private EdgeTestServer serving(EdgeLimits limits, HttpHandler handler) throws IOException {
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

  private static int answers(String raw) {
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
        serving(EdgeTestServer.within(LONG, SHORT, LONG, LONG), EdgeTestServer.echo())) {
      for (Trickle body : bodies) {
        String answer = trickle(server, body.begun(), body.text());
        assertTrue(answer.startsWith("HTTP/1.1 408 "), body + ": " + answer);
        assertEquals(1, answers(answer), body + ": " + answer);
      }
      assertEquals(bodies.size(), timeouts.get());
    }
  }

  @Test
  void aBodyThatTricklesAfterItWasAskedForIs408() throws Exception {
    try (EdgeTestServer server =
        serving(EdgeTestServer.within(LONG, SHORT, LONG, LONG), EdgeTestServer.echo())) {
      String expecting = POST + "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n";
      String answer = trickle(server, expecting, "x");
      assertTrue(answer.startsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 "), answer);
    }
  }

  @Test
  void aTricklingHeadIs408() throws Exception {
    try (EdgeTestServer server =
        serving(EdgeTestServer.within(SHORT, LONG, LONG, LONG), EdgeTestServer.echo())) {
      for (String begun : List.of("", "GET / HTTP/1.1\r\nHost: h\r\n")) {
        String answer = trickle(server, begun, begun.isEmpty() ? "G" : "X: y\r\n");
        assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
      }
    }
  }

  @Test
  void aTricklingBodyThatNobodyReadsDoesNotKeepItsConnectionAndIsAnsweredOnce() throws Exception {
    HttpHandler deaf = exchange -> exchange.sendResponseHeaders(401, -1);
    try (EdgeTestServer server = serving(EdgeTestServer.within(LONG, SHORT, LONG, LONG), deaf)) {
      for (String begun : List.of(POST + "Content-Length: 9000\r\n\r\n", CHUNKED + "2328\r\n")) {
        String answer = trickle(server, begun, "x");
        assertTrue(answer.startsWith("HTTP/1.1 401 "), answer);
        assertEquals(1, answers(answer), answer);
      }
      assertEquals(0, timeouts.get());
    }
  }

  @Test
  void aSlowBodyThatBringsEnoughInEachSpanIsTakenHoweverLongItLasts() throws Exception {
    int enough = 100;
    int spans = 10;
    Duration span = SHORT;
    EdgeLimits usual = EdgeLimits.usual();
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
        new EdgeProvider(limits, Refusals.BARE, InstantSource.system(), clock)
            .createHttpServer(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          reader.set(Thread.currentThread());
          InputStream body = exchange.getRequestBody();
          while (body.read() >= 0) {
            taken.release();
          }
          exchange.sendResponseHeaders(200, -1);
        });
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
