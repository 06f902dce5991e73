package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.testing.RawHttpClient;
import luki.http1.EngineExchange;
import luki.http1.FieldHeaders;
import luki.http1.Fields;
import luki.http1.Refusals;
import org.junit.jupiter.api.Test;

/** What an exchange offers beyond the JDK's interface. */
class BeyondTheInterfaceTest {
  private static final String GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

  private static void answer(HttpExchange exchange) throws IOException {
    String target = EngineExchange.of(exchange).target();
    Fields request = FieldHeaders.of(exchange.getRequestHeaders());
    byte[] text = (target + "|" + request.first("x-a")).getBytes(StandardCharsets.UTF_8);
    FieldHeaders.fill(
        exchange.getResponseHeaders(),
        Fields.of("X-B", "2", "Content-Length", "999", "Date", "never"));
    exchange.sendResponseHeaders(201, target.equals("/chunked") ? 0 : text.length);
    try (OutputStream body = exchange.getResponseBody()) {
      body.write(text);
    }
  }

  @Test
  void aRequestIsReadAndAnsweredWithoutTheJdksMaps() throws IOException {
    try (EdgeTestServer server = new EdgeTestServer(BeyondTheInterfaceTest::answer);
        RawHttpClient client = server.connect()) {
      client.send("GET /p?q HTTP/1.1\r\nHost: h\r\nX-A:  b \r\n\r\n");
      String answer = client.readReply();
      assertTrue(answer.startsWith("HTTP/1.1 201 Created\r\nDate: "), answer);
      assertTrue(answer.contains("\r\nX-B: 2\r\nContent-Length: 6\r\n"), answer);
      assertTrue(answer.endsWith("\r\n\r\n/p?q|b"), answer);
      assertFalse(answer.contains("never"), answer);
      client.send("GET /chunked HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n");
      assertTrue(client.readUntil("0\r\n\r\n").endsWith("\r\na\r\n/chunked|b\r\n0\r\n\r\n"));
      client.send("HEAD /p HTTP/1.1\r\nHost: h\r\nX-A: b\r\nConnection: close\r\n\r\n");
      String head = client.readToEnd();
      assertTrue(head.contains("Content-Length: 4\r\n") && head.endsWith("\r\n\r\n"), head);
    }
  }

  @Test
  void theHeadersAreTheSameWhetherReadAsLinesOrAsAMap() throws IOException {
    HttpHandler both =
        exchange -> {
          Headers map = exchange.getRequestHeaders();
          String first = map.getFirst("X-a") + map.get("X-a") + map.containsKey("x-none");
          assertThrows(UnsupportedOperationException.class, () -> map.add("X-C", "1"));
          assertEquals(List.of("1", "2"), FieldHeaders.of(map).all("x-a"));
          exchange.getResponseHeaders().add("X-Late", "yes");
          FieldHeaders.fill(exchange.getResponseHeaders(), Fields.of("X-B", "3"));
          EdgeTestServer.answer(exchange, 200, first);
        };
    try (EdgeTestServer server = new EdgeTestServer(both)) {
      String answer =
          server.ask("GET /p HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\n");
      assertTrue(answer.endsWith("\r\n\r\n1[1, 2]false"), answer);
      assertTrue(answer.contains("\r\nX-late: yes\r\n"), answer);
      assertTrue(answer.contains("\r\nX-b: 3\r\n"), answer);
    }
  }

  @Test
  void aRefusedMessageKeepsTheHeadThatWasRead() throws IOException {
    Refusals refusals =
        (exchange, reason) ->
            EdgeTestServer.answer(
                exchange,
                reason.status(),
                exchange.getRequestMethod()
                    + " "
                    + EngineExchange.of(exchange).target()
                    + " "
                    + exchange.getRequestHeaders().getFirst("Origin")
                    + " "
                    + exchange.getRequestBody().readAllBytes().length);
    try (EdgeTestServer server =
        new EdgeTestServer(EdgeLimits.usual(), refusals, EdgeTestServer.echo())) {
      String lines = "Host: h\r\nOrigin: o\r\n";
      for (String rest :
          List.of(
              "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "Expect: x\r\n\r\n", "A b: c")) {
        String answer = server.ask("PUT /q?r HTTP/1.1\r\n" + lines + rest + "\r\n");
        assertTrue(answer.endsWith("\r\n\r\nPUT /q?r o 0"), answer);
        assertTrue(answer.contains("Connection: close\r\n"), answer);
      }
      assertTrue(server.ask("NO\r\n\r\n").endsWith("\r\n\r\n  null 0"));
    }
  }

  @Test
  void aClientThatLeavesIsSeenWithoutAWrite() throws Exception {
    for (boolean reset : new boolean[] {false, true}) {
      CountDownLatch watching = new CountDownLatch(1);
      CountDownLatch gone = new CountDownLatch(1);
      BlockingQueue<Boolean> seen = new LinkedBlockingQueue<>();
      try (EdgeTestServer server =
              new EdgeTestServer(
                  exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    EngineExchange watch = EngineExchange.of(exchange);
                    watch.onPeerGone(gone::countDown);
                    seen.add(watch.isPeerGone());
                    watching.countDown();
                    await(gone);
                    seen.add(watch.isPeerGone());
                  });
          RawHttpClient client = server.connect()) {
        client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
        await(watching);
        if (reset) {
          client.socket().setSoLinger(true, 0);
        }
        client.socket().close();
        assertEquals(false, seen.poll(5, TimeUnit.SECONDS));
        assertEquals(true, seen.poll(5, TimeUnit.SECONDS));
      }
    }
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      assertTrue(latch.await(5, TimeUnit.SECONDS));
    } catch (InterruptedException stopped) {
      throw new IOException(stopped);
    }
  }

  @Test
  void aWatchedExchangeThatEndsTellsNobodyAndCloses() throws IOException {
    AtomicInteger told = new AtomicInteger();
    try (EdgeTestServer server =
        new EdgeTestServer(
            exchange -> {
              EngineExchange engine = EngineExchange.of(exchange);
              engine.onPeerGone(told::incrementAndGet);
              assertThrows(IllegalStateException.class, () -> engine.onPeerGone(() -> {}));
              exchange.sendResponseHeaders(200, 2);
              exchange.getResponseBody().write(new byte[] {'o', 'k'});
            })) {
      String answer = server.ask(GET);
      assertTrue(answer.contains("Connection: close\r\n"), answer);
      assertTrue(answer.endsWith("ok"), answer);
      assertEquals(0, told.get());
    }
  }
}
