package luki.gateway.websocket;

import static luki.gateway.websocket.Frames.frame;
import static luki.gateway.websocket.Frames.joined;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.RawUpstream.RawConnection;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A client of a WebSocket that reads nothing, sends what is costly, or changes its mind at once.
 */
class HostileSocketTest {
  private static final int TEXT = 0x81;
  private static final int BINARY = 0x82;

  @BeforeEach
  void needsTheEdge() {
    assumeTrue(TestGateway.isEdge(), "the JDK's server cannot upgrade a connection");
  }

  private static TestGateway gateway(RawUpstream agent, String... more) {
    TestGateway.Builder builder =
        TestGateway.builder().with("AGENT_URL", agent.url()).with("RATE_LIMIT_PER_MIN", "6000");
    for (int i = 0; i < more.length; i += 2) {
      builder.with(more[i], more[i + 1]);
    }
    return builder.start();
  }

  private static Frames open(TestGateway gateway) throws Exception {
    return Frames.open(gateway.port(), gateway.key(List.of("maria_k"), "chat:write"));
  }

  private static byte[] chat(String id) {
    return frame(
        TEXT,
        "{\"type\":\"chat\",\"id\":\"" + id + "\",\"user_id\":\"maria_k\",\"message\":\"Hi\"}");
  }

  private static RawUpstream silent(CountDownLatch end) {
    return RawUpstream.start(
        connection -> {
          connection.readRequest();
          end.await();
        });
  }

  @Test
  void aChatThatIsCancelledAtOnceSaysSo() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    try (RawUpstream agent = silent(end);
        TestGateway gateway = gateway(agent);
        Frames socket = open(gateway)) {
      for (int i = 0; i < 50; i++) {
        String id = "c" + i;
        socket.send(joined(chat(id), frame(TEXT, "{\"type\":\"cancel\",\"id\":\"" + id + "\"}")));
        String last = socket.next().text();
        assertTrue(last.contains(id) && last.contains("\"cancelled\":true"), last);
      }
      end.countDown();
    }
  }

  @Test
  void aConnectionThatSentABinaryMessageIsClosedThoughItsClientAnswersNoClose() throws Exception {
    try (RawUpstream agent = silent(new CountDownLatch(0));
        TestGateway gateway = gateway(agent);
        Frames socket = open(gateway)) {
      socket.send(frame(BINARY, "{}"));
      assertEquals(1003, socket.next().code());
      assertNull(socket.next());
    }
  }

  @Test
  void theValuesOfAMessageCountBeforeTheyAreMade() throws Exception {
    try (RawUpstream agent = silent(new CountDownLatch(0));
        TestGateway gateway = gateway(agent, "MAX_BUFFERED_BYTES", "4000000");
        Frames socket = open(gateway)) {
      socket.send(frame(TEXT, "{\"x\":[" + "{},".repeat(20_000) + "{}]}"));
      String refused = socket.next().text();
      assertTrue(refused.contains("OVERLOADED"), refused);
      socket.send(frame(TEXT, "{\"x\":[]}"));
      String small = socket.next().text();
      assertTrue(small.contains("INVALID_REQUEST"), small);
    }
  }

  @Test
  void chatsWhoseLastMessageWaitsForTheClientAreBoundedToo() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    CountDownLatch end = new CountDownLatch(1);
    try (RawUpstream agent =
            RawUpstream.start(
                connection -> {
                  boolean isChat = connection.readRequest().startsWith("POST");
                  if (!isChat || calls.getAndIncrement() > 0) {
                    connection.send("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
                  } else {
                    flood(connection, end);
                  }
                });
        TestGateway gateway = gateway(agent);
        Frames socket = open(gateway)) {
      socket.send(chat("first"));
      Thread.sleep(1500);
      for (int i = 0; i < 60; i++) {
        socket.send(chat("c" + i));
        Thread.sleep(10);
      }
      end.countDown();
      List<String> errors = new ArrayList<>();
      while (errors.size() < 60) {
        String text = socket.next().text();
        if (text.startsWith("{\"type\":\"error\",\"id\":\"c")) {
          errors.add(text);
        }
      }
      assertTrue(errors.stream().anyMatch(one -> one.contains("OVERLOADED")), errors.toString());
      assertTrue(errors.stream().anyMatch(one -> one.contains("DOWNSTREAM_ERROR")));
    }
  }

  /** Until the client, which does not read, has been waited for some time. */
  private static void flood(RawConnection connection, CountDownLatch end) throws Exception {
    connection.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    String event = "data: {\"token\": \"" + "x".repeat(50_000) + "\"}\n\n";
    while (end.getCount() > 0) {
      connection.send(Integer.toHexString(event.length()) + "\r\n" + event + "\r\n");
    }
    String done = "data: {\"done\": true}\n\n";
    connection.send(Integer.toHexString(done.length()) + "\r\n" + done + "\r\n0\r\n\r\n");
  }
}
