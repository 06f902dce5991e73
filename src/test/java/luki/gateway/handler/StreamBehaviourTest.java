package luki.gateway.handler;

import static luki.gateway.standin.ScriptedAgent.DONE;
import static luki.gateway.standin.ScriptedAgent.REQUEST;
import static luki.gateway.standin.ScriptedAgent.TOKEN;
import static luki.gateway.standin.ScriptedAgent.agent;
import static luki.gateway.standin.ScriptedAgent.answer;
import static luki.gateway.standin.ScriptedAgent.begin;
import static luki.gateway.standin.ScriptedAgent.chunk;
import static luki.gateway.standin.ScriptedAgent.client;
import static luki.gateway.standin.ScriptedAgent.gateway;
import static luki.gateway.standin.ScriptedAgent.open;
import static luki.gateway.standin.ScriptedAgent.tokenThenSilence;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Unchecked;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a chat stream sends, and when. */
@Timeout(60)
class StreamBehaviourTest {
  @Test
  void P4_theFirstTokenArrivesBeforeTheSecondIsSent() throws Exception {
    CountDownLatch firstWasRead = new CountDownLatch(1);
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  chunk(connection, TOKEN);
                  assertTrue(firstWasRead.await(10, TimeUnit.SECONDS));
                  chunk(connection, "data: {\"token\": \"B\"}\n\n" + DONE);
                });
        TestGateway gateway = gateway(agent).start();
        ChatStream stream = open(gateway)) {
      assertEquals("id: 1", stream.line());
      assertEquals("data: {\"token\":\"A\"}", stream.line());
      assertEquals("", stream.line());

      firstWasRead.countDown();

      assertEquals("id: 2", stream.word());
      assertEquals("data: {\"token\":\"B\"}", stream.word());
      assertTrue(stream.rest().contains("\"done\":true"));
      assertEquals(List.of(), agent.failures());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/chat/stream", "/v1/chat"})
  void whatStillWaitsForItsAgentIsToldOfTheEndOfTheGrace(String path) throws Exception {
    boolean stream = path.endsWith("stream");
    assumeTrue(stream || TestGateway.isEdge(), "the JDK's server closes the connection");
    try (RawUpstream agent = agent(RawUpstream.RawConnection::stallUntilClosed);
        TestGateway gateway = gateway(agent).with("SHUTDOWN_GRACE_S", stream ? "5" : "2").start()) {
      Client maria = client(gateway);
      CompletableFuture<HttpReply> waiting =
          CompletableFuture.supplyAsync(() -> maria.post(path, REQUEST));
      // One more is the request for the metrics.
      Waiting.until(() -> gateway.metric("http_server_active_requests").equals("2.0"));
      gateway.drain();
      HttpReply told = waiting.get(1, TimeUnit.SECONDS).expect(503, "DRAINING");
      assertEquals("1", told.header("Retry-After").orElse(""));
      assertEquals("close", told.header("Connection").orElse(""));
    }
  }

  @Test
  void theHeadForbidsBufferingOfTheEvents() throws Exception {
    try (RawUpstream agent = agent(c -> answer(c, TOKEN + DONE));
        TestGateway gateway = gateway(agent).start();
        ChatStream stream = open(gateway)) {
      assertEquals(200, stream.status());
      assertEquals("text/event-stream; charset=utf-8", stream.header("Content-Type"));
      assertEquals("no-cache", stream.header("Cache-Control"));
      assertEquals("no", stream.header("X-Accel-Buffering"));
      assertEquals("", stream.header("Content-Length"));
      assertTrue(stream.header("X-Trace-Id").matches("[0-9a-f]{32}"));
      assertEquals("nosniff", stream.header("X-Content-Type-Options"));
    }
  }

  @Test
  void keepAliveCommentsAreSentInSilenceAndNeverInsideAnEvent() throws Exception {
    Duration silence = Duration.ofMillis(400);
    CountDownLatch commentsWereRead = new CountDownLatch(1);
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  chunk(connection, TOKEN + "data: {\"tok");
                  assertTrue(commentsWereRead.await(10, TimeUnit.SECONDS));
                  chunk(connection, "en\": \"B\"}\n\n" + DONE);
                });
        TestGateway gateway = gateway(agent).yaml("keep_alive: 15s", "keep_alive: 400ms").start();
        ChatStream stream = open(gateway)) {
      assertEquals("id: 1", stream.word());
      assertEquals("data: {\"token\":\"A\"}", stream.word());
      long read = System.nanoTime();
      assertEquals(": keep-alive", stream.word());
      long waited = System.nanoTime() - read;
      assertEquals("", stream.line());
      assertEquals(": keep-alive", stream.word());
      commentsWereRead.countDown();

      String rest = stream.rest();
      assertTrue(rest.contains("id: 2\ndata: {\"token\":\"B\"}\n\n"), rest);
      assertEquals(2, ReceivedEvents.of(rest).events().size(), rest);
      assertTrue(waited > silence.dividedBy(2).toNanos(), "after ns: " + waited);
    }
  }

  @Test
  void sendsTheHeadInTimeForRoutersAndLaterFailuresAsEvents() throws Exception {
    CountDownLatch commentWasRead = new CountDownLatch(1);
    try (RawUpstream agent =
            agent(
                connection -> {
                  assertTrue(commentWasRead.await(10, TimeUnit.SECONDS));
                  connection.send(
                      "HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n"
                          + "Traceback");
                });
        TestGateway gateway = gateway(agent).yaml("answer_by: 20s", "answer_by: 300ms").start();
        ChatStream stream = open(gateway)) {
      assertEquals(200, stream.status());
      assertEquals(": keep-alive", stream.word());
      commentWasRead.countDown();

      String rest = stream.rest();
      checkOnlyAnError("DOWNSTREAM_ERROR", stream, rest);
      assertFalse(rest.contains("Traceback"), rest);
    }
  }

  @Test
  void anAgentThatIsDoneWithoutATokenHasFailed() throws Exception {
    CountDownLatch commentWasRead = new CountDownLatch(1);
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  assertTrue(commentWasRead.await(10, TimeUnit.SECONDS));
                  chunk(connection, DONE);
                });
        TestGateway gateway = gateway(agent).yaml("answer_by: 20s", "answer_by: 300ms").start();
        ChatStream stream = open(gateway)) {
      assertEquals(": keep-alive", stream.word());
      commentWasRead.countDown();
      checkOnlyAnError("DOWNSTREAM_ERROR", stream, stream.rest());
    }
  }

  @Test
  void aSilentAgentEndsAStreamWithAnEventOnceTheHeadWasSent() throws Exception {
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  connection.stallUntilClosed();
                });
        TestGateway gateway =
            gateway(agent)
                .yaml("answer_by: 20s", "answer_by: 300ms")
                .yaml("first_event: 60s", "first_event: 1500ms")
                .start();
        ChatStream stream = open(gateway)) {
      assertEquals(": keep-alive", stream.word());
      checkOnlyAnError("DOWNSTREAM_TIMEOUT", stream, stream.rest());
    }
  }

  private static void checkOnlyAnError(String code, ChatStream stream, String rest) {
    ReceivedEvents received = ReceivedEvents.of(rest.stripLeading());
    assertEquals(1, received.events().size(), rest);
    assertEquals("error", received.last().name());
    var error = received.last().data().path("error");
    assertEquals(code, error.path("code").asText());
    assertEquals(stream.header("X-Trace-Id"), error.path("trace_id").asText());
  }

  @Test
  void headAnswersTheHeadOfAStreamWithoutCallingTheAgent() {
    try (RawUpstream agent = agent(c -> answer(c, TOKEN + DONE));
        TestGateway gateway = gateway(agent).start()) {
      HttpReply answer =
          client(gateway)
              .send("HEAD", "/v1/chat/stream?user_id=maria_k&message=Hi", null)
              .expect(200);
      assertEquals("text/event-stream; charset=utf-8", answer.header("Content-Type").orElse(""));
      assertEquals("no-cache", answer.header("Cache-Control").orElse(""));
      assertEquals("no", answer.header("X-Accel-Buffering").orElse(""));
      assertEquals(Optional.empty(), answer.header("Content-Length"));
      assertEquals("", answer.body());
      assertTrue(agent.requests().stream().noneMatch(r -> r.startsWith("POST ")));
      Client owner = new Client(gateway, gateway.key(List.of("anna"), "chat:write"));
      owner.send("HEAD", "/v1/chat/stream?user_id=maria_k&message=Hi", null).expect(403);
    }
  }

  @Test
  void drainingEndsAnOpenStreamWithAnErrorEvent() throws Exception {
    try (RawUpstream agent = agent(c -> tokenThenSilence(c, new CompletableFuture<>()));
        TestGateway gateway = gateway(agent).with("SHUTDOWN_GRACE_S", "0").start();
        ChatStream stream = open(gateway)) {
      assertEquals("id: 1", stream.word());
      assertEquals("data: {\"token\":\"A\"}", stream.word());

      CompletableFuture<Void> drained =
          CompletableFuture.runAsync(() -> Unchecked.run(gateway::drain));

      checkOnlyAnError("DRAINING", stream, stream.rest());
      assertNull(stream.line());
      drained.get(10, TimeUnit.SECONDS);
    }
  }

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
