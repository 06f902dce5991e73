package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.RawUpstream.RawConnection;
import luki.gateway.standin.ScriptedAgent;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every stream whose 200 was sent has one outcome, and what it sends is bounded by its reader. */
@Timeout(60)
class StreamSumsTest {
  private static final String TARGET = "GET /v1/chat/stream?user_id=maria_k&message=";

  /** Does what the message of the request says. */
  private static void serve(RawConnection connection) throws Exception {
    String request = connection.readRequest();
    if (request.contains("refused")) {
      connection.reply("500 Oops", "{}");
      return;
    }
    ScriptedAgent.begin(connection);
    ScriptedAgent.chunk(connection, ScriptedAgent.TOKEN);
    if (request.contains("endless")) {
      while (!connection.peerClosed(Duration.ofMillis(20))) {
        ScriptedAgent.chunk(connection, ScriptedAgent.TOKEN);
      }
    } else if (request.contains("silent")) {
      connection.stallUntilClosed();
    } else {
      String last = request.contains("error") ? "data: {\"error\": 1}\n\n" : ScriptedAgent.DONE;
      ScriptedAgent.chunk(connection, last);
      connection.send("0\r\n\r\n");
    }
  }

  /** Opens a stream; null when it was refused before its head. */
  private static ChatStream open(TestGateway gateway, String message, String key) throws Exception {
    ChatStream stream =
        ChatStream.ask(
            new RawHttpClient(gateway.port()),
            TARGET + message + " HTTP/1.1\r\nHost: h\r\nX-API-Key: " + key + "\r\n\r\n");
    return stream.status() == 200 ? stream : null;
  }

  @Test
  void theOutcomesOfStreamsAddUpToTheStreamsThatWereOpened() throws Exception {
    try (RawUpstream agent = RawUpstream.start(StreamSumsTest::serve);
        TestGateway gateway =
            TestGateway.builder()
                .with("AGENT_URL", agent.url())
                .yaml("total: 14m", "total: 3s")
                .yaml("between_events: 120s", "between_events: 1s")
                .yaml("streamed_characters: {day: 500000}", "streamed_characters: {day: 5}")
                .start()) {
      String key = gateway.key(List.of("maria_k"), "chat:write");
      String revoked = gateway.key(List.of("maria_k"), "chat:write");
      String poor = gateway.keyOfPlan("family", List.of("maria_k"), "chat:write");
      List<ChatStream> opened = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        opened.add(open(gateway, "completed", key));
        opened.add(open(gateway, "error", key));
        opened.add(open(gateway, "silent", key));
        assertEquals(null, open(gateway, "refused", key));
      }
      opened.add(open(gateway, "endless", key));
      opened.add(open(gateway, "endless", poor));
      opened.add(open(gateway, "endless", revoked));
      gateway.revoke(revoked);
      for (int i = 0; i < 2; i++) {
        ChatStream leaving = open(gateway, "endless", key);
        leaving.leave();
        opened.add(leaving);
      }
      Waiting.until(() -> gateway.metric("luki_gateway_streams").equals("0.0"));
      Map<String, Double> outcomes = outcomes(gateway);
      assertEquals(
          "{client_closed=2.0, completed=3.0, drained=0.0, limit=1.0, quota=1.0, revoked=1.0,"
              + " timeout=3.0, upstream_error=3.0}",
          outcomes.toString());
      double sum = outcomes.values().stream().mapToDouble(Double::doubleValue).sum();
      assertEquals(opened.size(), sum);
      for (ChatStream stream : opened) {
        stream.close();
      }
    }
  }

  private static Map<String, Double> outcomes(TestGateway gateway) {
    TreeMap<String, Double> outcomes = new TreeMap<>();
    String name = "luki_gateway_stream_outcomes_total{outcome=\"";
    for (String line : gateway.stranger().get("/metrics").body().lines().toList()) {
      if (line.startsWith(name)) {
        String[] parts = line.substring(name.length()).split("\"} ", 2);
        outcomes.put(parts[0], Double.parseDouble(parts[1]));
      }
    }
    return outcomes;
  }

  @Test
  void theAgentIsReadNoFasterThanAClientReads() throws Exception {
    String event = "data: {\"token\": \"" + "y".repeat(16_000) + "\"}\n\n";
    AtomicLong sent = new AtomicLong();
    CountDownLatch closed = new CountDownLatch(1);
    try (RawUpstream agent =
            ScriptedAgent.agent(
                connection -> {
                  ScriptedAgent.begin(connection);
                  try {
                    while (true) {
                      ScriptedAgent.chunk(connection, event);
                      sent.addAndGet(event.length());
                    }
                  } finally {
                    closed.countDown();
                  }
                });
        TestGateway gateway = ScriptedAgent.gateway(agent).start();
        RawHttpClient slow = new RawHttpClient(gateway.port(), 20_000, 4096);
        ChatStream stream = ChatStream.open(slow, gateway.key(List.of("maria_k"), "chat:write"))) {
      assertEquals(200, stream.status());
      long before = stalled(sent);
      int read = 0;
      while (read < 1_000_000) {
        read += slow.read(4096).length;
      }
      long after = stalled(sent);
      long slack = 32_000_000; // of the kernel's buffers, which grow
      assertTrue(before < slack, "sent ahead: " + before);
      assertTrue(after - before < read + slack, "sent " + (after - before) + " for " + read);
      stream.leave();
      assertTrue(closed.await(10, TimeUnit.SECONDS));
    }
  }

  /** The count once it has not changed for a while. */
  private static long stalled(AtomicLong count) {
    AtomicLong last = new AtomicLong(-1);
    AtomicLong since = new AtomicLong();
    Waiting.until(
        () -> {
          long now = count.get();
          if (last.getAndSet(now) != now || now == 0) {
            since.set(System.nanoTime());
          }
          return System.nanoTime() - since.get() > 500_000_000;
        });
    return last.get();
  }
}
