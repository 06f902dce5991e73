package luki.gateway.handler;

import static luki.gateway.handler.ScriptedAgent.REQUEST;
import static luki.gateway.handler.ScriptedAgent.TOKEN;
import static luki.gateway.handler.ScriptedAgent.agent;
import static luki.gateway.handler.ScriptedAgent.answer;
import static luki.gateway.handler.ScriptedAgent.begin;
import static luki.gateway.handler.ScriptedAgent.chunk;
import static luki.gateway.handler.ScriptedAgent.client;
import static luki.gateway.handler.ScriptedAgent.gateway;
import static luki.gateway.handler.ScriptedAgent.open;
import static luki.gateway.handler.ScriptedAgent.tokenThenSilence;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The agent's call, the log and the metrics when a client disconnects or stays. */
@Timeout(60)
class StreamReaderTest {
  private static final Duration SOON = Duration.ofSeconds(5);
  private static final Duration A_SECOND = Duration.ofSeconds(1);

  @Test
  void aClientThatDisconnectsDuringTokensEndsTheAgentsCall() throws Exception {
    CompletableFuture<Long> agentsEnd = new CompletableFuture<>();
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  do {
                    chunk(connection, TOKEN);
                  } while (!connection.peerClosed(Duration.ofMillis(50)));
                  agentsEnd.complete(System.nanoTime());
                });
        TestGateway gateway = gateway(agent).start()) {
      long left;
      try (ChatStream stream = open(gateway)) {
        assertEquals("id: 1", stream.word());
        assertEquals("data: {\"token\":\"A\"}", stream.word());
        assertEquals("id: 2", stream.word());
        left = System.nanoTime();
      }
      checkEndedWithin(A_SECOND.plusMillis(50), left, agentsEnd);
      checkLogOfALostClient(gateway);
    }
  }

  @Test
  void aClientThatDisconnectsDuringSilenceEndsTheCallAtTheNextComment() throws Exception {
    CompletableFuture<Long> agentsEnd = new CompletableFuture<>();
    try (RawUpstream agent = agent(c -> tokenThenSilence(c, agentsEnd));
        TestGateway gateway = gateway(agent).yaml("keep_alive: 15s", "keep_alive: 1s").start()) {
      long left;
      try (ChatStream stream = open(gateway)) {
        assertEquals("id: 1", stream.word());
        assertEquals("data: {\"token\":\"A\"}", stream.word());
        // The second comment: nothing else is sent before the next one.
        assertEquals(": keep-alive", stream.word());
        assertEquals(": keep-alive", stream.word());
        left = System.nanoTime();
      }
      // An engine that cannot watch needs two comments: the first is reset, the second fails.
      checkEndedWithin(A_SECOND.plusSeconds(TestGateway.isEdge() ? 1 : 2), left, agentsEnd);
      checkLogOfALostClient(gateway);
    }
  }

  @Test
  void anEngineThatWatchesNoticesADisconnectDuringSilenceAtOnce() throws Exception {
    assumeTrue(TestGateway.isEdge());
    CompletableFuture<Long> agentsEnd = new CompletableFuture<>();
    try (RawUpstream agent = agent(c -> tokenThenSilence(c, agentsEnd));
        TestGateway gateway = gateway(agent).start()) {
      long left;
      try (ChatStream stream = open(gateway)) {
        assertEquals("id: 1", stream.word());
        assertEquals("data: {\"token\":\"A\"}", stream.word());
        left = System.nanoTime();
      }
      checkEndedWithin(A_SECOND, left, agentsEnd);
      checkLogOfALostClient(gateway);
    }
  }

  @Test
  void anEngineThatCannotWatchNoticesADisconnectByItsComments() throws Exception {
    assumeFalse(TestGateway.isEdge());
    CompletableFuture<Long> agentsEnd = new CompletableFuture<>();
    try (RawUpstream agent = agent(c -> tokenThenSilence(c, agentsEnd));
        TestGateway gateway = gateway(agent).yaml("keep_alive: 15s", "keep_alive: 1s").start()) {
      long left;
      try (ChatStream stream = open(gateway)) {
        assertEquals("id: 1", stream.line());
        assertEquals("data: {\"token\":\"A\"}", stream.line());
        assertEquals("", stream.line());
        left = System.nanoTime();
      }
      checkEndedWithin(A_SECOND.plusSeconds(2), left, agentsEnd);
    }
  }

  private static void checkEndedWithin(Duration most, long left, CompletableFuture<Long> agentsEnd)
      throws Exception {
    long nanos = agentsEnd.get(20, TimeUnit.SECONDS) - left;
    assertTrue(nanos <= most.toNanos(), "the agent's call ended after ms: " + nanos / 1_000_000);
  }

  private static void checkLogOfALostClient(TestGateway gateway) {
    String line = gateway.awaitLog(1).getFirst();
    assertTrue(line.contains("\"event\":\"client_closed\""), line);
    assertTrue(line.contains("\"route\":\"/v1/chat/stream\""), line);
    assertTrue(line.contains("\"status\":200"), line);
  }

  @Test
  void openStreamsReturnToZeroAndEachOutcomeCountsOnce() throws Exception {
    CountDownLatch countWasSeen = new CountDownLatch(1);
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  chunk(connection, TOKEN);
                  assertTrue(countWasSeen.await(10, TimeUnit.SECONDS));
                  chunk(connection, "data: {\"error\": \"boom\"}\n\n");
                });
        TestGateway gateway = gateway(agent).yaml("keep_alive: 15s", "keep_alive: 1s").start()) {
      try (ChatStream stream = open(gateway);
          ChatStream leaving = open(gateway)) {
        assertEquals("id: 1", stream.word());
        assertEquals("id: 1", leaving.word());
        assertEquals("2.0", gateway.metric("luki_gateway_streams"));
        leaving.leave();
        Waiting.until(SOON, () -> gateway.metric("luki_gateway_streams").equals("1.0"));
        countWasSeen.countDown();
        assertFalse(stream.rest().contains("boom"));
      }
      client(gateway).post("/v1/chat/stream", REQUEST).expect(200);
      Waiting.until(SOON, () -> gateway.metric("luki_gateway_streams").equals("0.0"));
      assertEquals("2.0", gateway.metric(outcome("upstream_error")));
      assertEquals("1.0", gateway.metric(outcome("client_closed")));
      assertEquals("0.0", gateway.metric(outcome("completed")));
      assertEquals("3", gateway.metric("luki_gateway_stream_first_event_seconds_count"));
    }
  }

  @Test
  void aStreamThatWasRefusedBeforeItsHeadDoesNotCount() throws Exception {
    try (RawUpstream agent = agent(c -> answer(c, "data: {\"error\": \"boom\"}\n\n"));
        TestGateway gateway = gateway(agent).start()) {
      client(gateway).post("/v1/chat/stream", REQUEST).expect(502);
      assertEquals("0.0", gateway.metric("luki_gateway_streams"));
      assertEquals("0.0", gateway.metric(outcome("upstream_error")));
    }
  }

  private static String outcome(String outcome) {
    return "luki_gateway_stream_outcomes_total{outcome=\"" + outcome + "\"}";
  }
}
