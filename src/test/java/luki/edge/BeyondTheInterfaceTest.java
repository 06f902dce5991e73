package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import luki.http1.Fields;
import luki.http1.PeerWatch;
import luki.http1.RawHead;
import luki.http1.RawReply;
import luki.http1.RenderedFields;
import luki.http1.RequestHead;
import luki.http1.Upgrade;
import org.junit.jupiter.api.Test;

/** What an exchange offers beside the JDK's interface. */
class BeyondTheInterfaceTest {
  private static final String GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  private static final RenderedFields USUAL = new RenderedFields(Fields.of("X-Usual", "1"));

  private static void raw(HttpExchange exchange) throws IOException {
    RequestHead head = ((RawHead) exchange).head();
    byte[] text =
        (head.target() + "|" + head.fields().first("x-a")).getBytes(StandardCharsets.UTF_8);
    long length = head.target().equals("/chunked") ? RawReply.UNKNOWN : text.length;
    Fields fields = Fields.of("X-B", "2", "Content-Length", "999", "Date", "never");
    try (OutputStream body = ((RawReply) exchange).reply(201, USUAL, fields, length)) {
      body.write(text);
    }
  }

  @Test
  void aRequestIsReadAndAnsweredWithoutTheJdksMaps() throws IOException {
    try (Running server = new Running(BeyondTheInterfaceTest::raw);
        RawClient client = server.connect()) {
      client.send("GET /p?q HTTP/1.1\r\nHost: h\r\nX-A:  b \r\n\r\n");
      String answer = client.readReply();
      assertTrue(answer.startsWith("HTTP/1.1 201 Created\r\nDate: "), answer);
      assertTrue(answer.contains("\r\nX-Usual: 1\r\nX-B: 2\r\nContent-Length: 6\r\n"), answer);
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
  void linesThatAreTheEnginesAreNotRendered() {
    for (String name : new String[] {"content-length", "Date", "Connection", "Transfer-Encoding"}) {
      Fields fields = Fields.of(name, "1");
      assertThrows(IllegalArgumentException.class, () -> new RenderedFields(fields));
    }
  }

  @Test
  void aClientThatLeavesIsSeenWithoutAWrite() throws Exception {
    for (boolean reset : new boolean[] {false, true}) {
      CountDownLatch watching = new CountDownLatch(1);
      CountDownLatch gone = new CountDownLatch(1);
      BlockingQueue<Boolean> seen = new LinkedBlockingQueue<>();
      try (Running server =
              new Running(
                  exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    PeerWatch watch = (PeerWatch) exchange;
                    watch.onGone(gone::countDown);
                    seen.add(watch.isGone());
                    watching.countDown();
                    await(gone);
                    seen.add(watch.isGone());
                  });
          RawClient client = server.connect()) {
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
    try (Running server =
        new Running(
            exchange -> {
              ((PeerWatch) exchange).onGone(told::incrementAndGet);
              assertThrows(
                  IllegalStateException.class, () -> ((PeerWatch) exchange).onGone(() -> {}));
              exchange.sendResponseHeaders(200, 2);
              exchange.getResponseBody().write(new byte[] {'o', 'k'});
            })) {
      String answer = server.ask(GET);
      assertTrue(answer.contains("Connection: close\r\n"), answer);
      assertTrue(answer.endsWith("ok"), answer);
      assertEquals(0, told.get());
    }
  }

  @Test
  void anAcceptedUpgradeGivesBothStreamsAway() throws IOException {
    try (Running server =
            new Running(
                exchange -> {
                  Upgrade.Streams streams =
                      ((Upgrade) exchange).accept(Fields.of("Upgrade", "shout"));
                  byte[] heard = streams.in().readNBytes(5);
                  String shouted = new String(heard, StandardCharsets.US_ASCII) + "!";
                  streams.out().write(shouted.getBytes(StandardCharsets.US_ASCII));
                });
        RawClient client = server.connect()) {
      client.send(
          "GET /a HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: shout\r\n\r\nhel");
      String head = client.readUntil("\r\n\r\n");
      assertTrue(head.startsWith("HTTP/1.1 101 Switching Protocols\r\n"), head);
      assertTrue(head.contains("Connection: Upgrade\r\n"), head);
      assertTrue(head.contains("Upgrade: shout\r\n"), head);
      client.send("lo");
      assertEquals("hello!", client.readToEnd());
    }
  }

  @Test
  void anUpgradeThatNobodyAskedForIsAFailure() throws IOException {
    try (Running server = new Running(exchange -> ((Upgrade) exchange).accept(Fields.NONE))) {
      assertTrue(server.ask(GET).startsWith("HTTP/1.1 500 "));
    }
  }
}
