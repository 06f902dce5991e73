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
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.testing.RawHttpClient;
import luki.http1.EngineExchange;
import luki.http1.Fields;
import luki.http1.Refusals;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an exchange offers beyond the JDK's interface. */
class BeyondTheInterfaceTest {

  private static void answer(HttpExchange exchange) throws IOException {
    EngineExchange engine = EngineExchange.of(exchange);
    String target = engine.target();
    byte[] text = (target + "|" + engine.fields().first("x-a")).getBytes(StandardCharsets.UTF_8);
    engine.sendHead(
        201,
        Fields.of("X-B", "2", "Content-Length", "999", "Date", "never"),
        target.equals("/chunked") ? 0 : text.length);
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
          assertEquals(List.of("1", "2"), EngineExchange.fieldsOf(map).all("x-a"));
          assertEquals(List.of("1", "2"), EngineExchange.of(exchange).fields().all("x-a"));
          exchange.getResponseHeaders().add("X-Late", "yes");
          exchange.getResponseHeaders().add("X-B", "3");
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
        new EdgeTestServer(UsualLimits.edge(), refusals, EdgeTestServer.echo())) {
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

  private static final String POST = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

  /** Answers /slow after it was interrupted or told to, any other target at once. */
  private static final class SlowHandler implements HttpHandler {
    private final CountDownLatch working = new CountDownLatch(1);
    private final CountDownLatch mayAnswer = new CountDownLatch(1);
    private final BlockingQueue<Boolean> gone = new LinkedBlockingQueue<>();

    @Override
    public void handle(HttpExchange exchange) throws IOException {
      exchange.getRequestBody().readAllBytes();
      EngineExchange engine = EngineExchange.of(exchange);
      engine.interruptWhenPeerLeaves();
      if (engine.target().equals("/a")) {
        try {
          working.countDown();
          assertTrue(mayAnswer.await(5, TimeUnit.SECONDS));
        } catch (InterruptedException left) {
          gone.add(engine.isPeerGone());
          throw new IOException(left);
        }
      }
      EdgeTestServer.answer(exchange, 200, engine.target());
    }
  }

  private final SlowHandler handler = new SlowHandler();

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aClientThatLeavesInterruptsTheHandler(boolean reset) throws Exception {
    try (EdgeTestServer server = new EdgeTestServer(handler);
        RawHttpClient client = server.connect()) {
      client.send(POST);
      assertTrue(handler.working.await(5, TimeUnit.SECONDS));
      if (reset) {
        client.socket().setSoLinger(true, 0);
      }
      long left = System.nanoTime();
      client.socket().close();
      assertEquals(true, handler.gone.poll(5, TimeUnit.SECONDS));
      long millis = (System.nanoTime() - left) / 1_000_000;
      assertTrue(millis < 1000, "after ms: " + millis);
    }
  }

  @Test
  void aHalfCloseIsAnsweredAfterInterimReplies() throws Exception {
    try (EdgeTestServer server = new EdgeTestServer(handler);
        RawHttpClient client = server.connect()) {
      client.send(POST);
      assertTrue(handler.working.await(5, TimeUnit.SECONDS));
      client.socket().shutdownOutput();
      for (int i = 0; i < 3; i++) {
        assertEquals("HTTP/1.1 102 Processing\r\n\r\n", client.readUntil("\r\n\r\n"));
      }
      handler.mayAnswer.countDown();
      String answer = client.readToEnd().replace("HTTP/1.1 102 Processing\r\n\r\n", "");
      assertTrue(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
      assertTrue(answer.endsWith("\r\n\r\n/a"), answer);
    }
  }

  @Test
  void anOldClientGetsNoInterimReply() throws Exception {
    try (EdgeTestServer server = new EdgeTestServer(handler);
        RawHttpClient client = server.connect()) {
      client.send("GET /a HTTP/1.0\r\n\r\n");
      assertTrue(handler.working.await(5, TimeUnit.SECONDS));
      client.socket().shutdownOutput();
      client.socket().setSoTimeout(700);
      assertThrows(SocketTimeoutException.class, () -> client.read(1));
      handler.mayAnswer.countDown();
      client.socket().setSoTimeout(5000);
      String answer = client.readToEnd();
      assertTrue(answer.startsWith("HTTP/1.1 200 OK\r\n") && answer.endsWith("/a"), answer);
    }
  }

  @Test
  void aHalfClosedClientThatLeavesLaterInterruptsTheHandler() throws Exception {
    try (EdgeTestServer server = new EdgeTestServer(handler);
        RawHttpClient client = server.connect()) {
      client.send(POST);
      assertTrue(handler.working.await(5, TimeUnit.SECONDS));
      client.socket().shutdownOutput();
      client.readUntil("\r\n\r\n");
      client.readUntil("\r\n\r\n");
      client.socket().close();
      assertEquals(true, handler.gone.poll(5, TimeUnit.SECONDS));
    }
  }

  /** What was read ahead is the next request, however it was cut. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 20, 600, 5000})
  void aWatchedConnectionServesTheRequestsThatFollow(int extra) throws Exception {
    String next = "GET /b HTTP/1.1\r\nHost: h\r\nX-A: " + "a".repeat(extra) + "\r\n\r\n";
    try (EdgeTestServer server = new EdgeTestServer(handler);
        RawHttpClient client = server.connect()) {
      client.send(POST);
      assertTrue(handler.working.await(5, TimeUnit.SECONDS));
      // The watch begins within this time; it must not be needed for the test to pass.
      assertFalse(handler.mayAnswer.await(350, TimeUnit.MILLISECONDS));
      client.send(next.substring(0, next.length() / 2));
      handler.mayAnswer.countDown();
      assertTrue(client.readReply().endsWith("/a"));
      client.send(next.substring(next.length() / 2) + next);
      for (int i = 0; i < 2; i++) {
        String answer = client.readReply();
        assertTrue(answer.endsWith("\r\n\r\n/b"), answer);
      }
      client.send(next);
      assertTrue(client.readReply().endsWith("/b"));
      assertTrue(handler.gone.isEmpty());
    }
  }

  /** RFC 9112 §9.6: a close with bytes unread is a reset, and the reply may be lost with it. */
  @Test
  void aReplyThatClosesIsNotLostByWhatItsClientSentMeanwhile() throws Exception {
    try (EdgeTestServer server = new EdgeTestServer(handler);
        RawHttpClient client = server.connect()) {
      client.send(POST.replace("Host", "Connection: close\r\nHost"));
      assertTrue(handler.working.await(5, TimeUnit.SECONDS));
      client.send("x".repeat(20_000));
      assertFalse(handler.mayAnswer.await(350, TimeUnit.MILLISECONDS));
      handler.mayAnswer.countDown();
      client.socket().shutdownOutput();
      String answer = client.readToEnd();
      assertTrue(answer.endsWith("\r\n\r\n/a"), answer);
    }
  }

  @Test
  void aWatchIsOnlyPossibleBetweenTheBodyAndTheHead() throws IOException {
    AtomicInteger refused = new AtomicInteger();
    try (EdgeTestServer server =
        new EdgeTestServer(
            exchange -> {
              EngineExchange engine = EngineExchange.of(exchange);
              assertThrows(IllegalStateException.class, engine::interruptWhenPeerLeaves);
              exchange.getRequestBody().readAllBytes();
              exchange.sendResponseHeaders(200, 2);
              assertThrows(IllegalStateException.class, engine::interruptWhenPeerLeaves);
              refused.incrementAndGet();
              exchange.getResponseBody().write(new byte[] {'o', 'k'});
            })) {
      assertTrue(server.ask(POST.replace("Host", "Connection: close\r\nHost")).endsWith("ok"));
      assertEquals(1, refused.get());
    }
  }
}
