package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.http.UserId;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.ScriptedAgent;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A client that leaves, by a reset or by a close alone, ends the calls that are made for it. */
@Timeout(60)
class LeavingClientsTest {
  private static final String CHAT = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
  private static final String SEARCH = "{\"user_id\":\"maria_k\",\"query\":\"garden\"}";
  private static final String PROCESSING = "HTTP/1.1 102 Processing\r\n\r\n";
  private static final Duration A_SECOND = Duration.ofSeconds(1);
  private static final Duration SOON = Duration.ofSeconds(5);

  private final CountDownLatch called = new CountDownLatch(1);
  private final CompletableFuture<Long> ended = new CompletableFuture<>();

  /** Another engine cannot see that a client has left. */
  @BeforeEach
  void needsTheEngine() {
    assumeTrue(TestGateway.isEdge());
  }

  private void hang(RawUpstream.RawConnection connection) throws IOException {
    called.countDown();
    if (connection.peerClosed(Duration.ofSeconds(20))) {
      ended.complete(System.nanoTime());
    }
  }

  private static String request(Fixture setting, String method, String target, String body) {
    setting.services().grant("maria_k", "elr_memories", "analytics", "personalization");
    String key =
        setting
            .gateway()
            .key(
                List.of("maria_k"),
                "chat:write",
                "elr:read",
                "elr:write",
                "users:read",
                "cognitive:read");
    return RawHttpClient.crlf(
            """
            %s %s HTTP/1.1
            Host: gateway
            Authorization: Bearer %s
            Content-Type: application/json
            Content-Length: %d

            """
                .formatted(method, target, key, body.length()))
        + body;
  }

  private void checkEnded(long left) throws Exception {
    long nanos = ended.get(20, TimeUnit.SECONDS) - left;
    assertTrue(nanos < A_SECOND.toNanos(), "the call ended after ms: " + nanos / 1_000_000);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "AGENT_URL|POST|/v1/chat|" + CHAT + "|false",
        "AGENT_URL|POST|/v1/chat|" + CHAT + "|true",
        "AGENT_URL|POST|/v1/chat/stream|" + CHAT + "|false",
        "AGENT_URL|POST|/v1/chat/stream|" + CHAT + "|true",
        "AGENT_URL|GET|/v1/chat/stream?user_id=maria_k&message=Hi||true",
        "MEMORY_URL|POST|/v1/elr/search|" + SEARCH + "|false",
        "SECURITY_URL|POST|/v1/elr/search|" + SEARCH + "|true",
        "MEMORY_URL|GET|/v1/users/maria_k/overview||false",
        "COG_URL|GET|/v1/cognitive/life-story/phases||true"
      })
  void beforeTheHeadOfTheReply(
      String service, String method, String target, String body, boolean reset) throws Exception {
    try (Fixture setting = Fixture.with(service, (connection, _) -> hang(connection));
        RawHttpClient client = new RawHttpClient(setting.gateway().port())) {
      client.send(request(setting, method, target, body == null ? "" : body));
      assertTrue(called.await(10, TimeUnit.SECONDS));
      if (reset) {
        client.socket().setSoLinger(true, 0);
      }
      long left = System.nanoTime();
      client.socket().close();

      checkEnded(left);
      String line = setting.gateway().awaitLog(1).getFirst();
      assertTrue(line.contains("\"level\":\"info\",\"event\":\"client_closed\""), line);
      assertTrue(line.contains("\"status\":499,"), line);
      assertTrue(line.contains("\"error_code\":null"), line);
      TestGateway gateway = setting.gateway();
      assertEquals("0.0", gateway.metric("luki_gateway_streams"));
      Waiting.until(SOON, () -> gateway.metric("http_server_active_requests").equals("1.0"));
      assertFalse(gateway.stranger().get("/metrics").body().contains("code=\"503\""));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void inTheMiddleOfAStream(boolean reset) throws Exception {
    try (RawUpstream agent =
            ScriptedAgent.agent(
                connection -> {
                  ScriptedAgent.begin(connection);
                  ScriptedAgent.chunk(connection, ScriptedAgent.TOKEN);
                  hang(connection);
                });
        TestGateway gateway = ScriptedAgent.gateway(agent).start();
        RawHttpClient client = new RawHttpClient(gateway.port());
        ChatStream stream =
            ChatStream.open(client, gateway.key(List.of("maria_k"), "chat:write"))) {
      assertTrue(stream.reaches("\"A\""));
      if (reset) {
        client.socket().setSoLinger(true, 0);
      }
      long left = System.nanoTime();
      client.socket().close();

      checkEnded(left);
      Waiting.until(SOON, () -> gateway.metric("luki_gateway_streams").equals("0.0"));
      String outcome = "luki_gateway_stream_outcomes_total{outcome=\"client_closed\"}";
      assertEquals("1.0", gateway.metric(outcome));
      String line = gateway.awaitLog(1).getFirst();
      assertTrue(line.contains("\"level\":\"info\",\"event\":\"client_closed\""), line);
      assertTrue(line.contains("\"status\":200,"), line);
    }
  }

  @Test
  void aHalfCloseAfterTheRequestOfAStreamStillGetsTheWholeStream() throws Exception {
    CountDownLatch begin = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    try (RawUpstream agent =
            ScriptedAgent.agent(
                connection -> {
                  assertTrue(begin.await(10, TimeUnit.SECONDS));
                  ScriptedAgent.begin(connection);
                  ScriptedAgent.chunk(connection, ScriptedAgent.TOKEN);
                  assertTrue(goOn.await(10, TimeUnit.SECONDS));
                  ScriptedAgent.chunk(connection, ScriptedAgent.TOKEN + ScriptedAgent.DONE);
                  connection.send("0\r\n\r\n");
                });
        Fixture setting = Fixture.start(gateway -> gateway.with("AGENT_URL", agent.url()));
        RawHttpClient client = new RawHttpClient(setting.gateway().port())) {
      client.send(request(setting, "POST", "/v1/chat/stream", CHAT));
      client.socket().shutdownOutput();
      // Asked before the head by an interim reply, and then by a comment.
      assertEquals(PROCESSING, client.readUntil("\r\n\r\n"));
      assertEquals(PROCESSING, client.readUntil("\r\n\r\n"));
      begin.countDown();
      String head = client.readUntil("\r\n\r\n").replace(PROCESSING, "");
      head = head.isEmpty() ? client.readUntil("\r\n\r\n") : head;
      assertTrue(head.startsWith("HTTP/1.1 200 OK\r\n"), head);
      long asked = System.nanoTime();
      client.readUntil(": keep-alive\n\n");
      client.readUntil(": keep-alive\n\n");
      long millis = (System.nanoTime() - asked) / 1_000_000;
      assertTrue(millis < 1000, "two comments took ms: " + millis);
      goOn.countDown();
      String rest = client.readToEnd();
      assertTrue(rest.contains("event: done"), rest);
      assertTrue(rest.endsWith("\r\n0\r\n\r\n"), rest);
      String line = setting.gateway().awaitLog(1).getFirst();
      assertTrue(line.contains("\"event\":\"request\""), line);
    }
  }

  @Test
  void aHalfCloseAfterAnUnaryRequestIsStillAnswered() throws Exception {
    CountDownLatch answer = new CountDownLatch(1);
    try (Fixture setting =
            Fixture.with(
                "AGENT_URL",
                (connection, _) -> {
                  assertTrue(answer.await(10, TimeUnit.SECONDS));
                  connection.reply("200 OK", "{\"response\":\"Hello\",\"metadata\":{}}");
                });
        RawHttpClient client = new RawHttpClient(setting.gateway().port())) {
      client.send(request(setting, "POST", "/v1/chat", CHAT));
      client.socket().shutdownOutput();
      for (int i = 0; i < 3; i++) {
        assertEquals(PROCESSING, client.readUntil("\r\n\r\n"));
      }
      answer.countDown();
      String reply = client.readToEnd().replace(PROCESSING, "");
      assertTrue(reply.startsWith("HTTP/1.1 200 OK\r\n"), reply);
      assertTrue(reply.contains("\"text\":\"Hello\""), reply);
    }
  }

  @Test
  void aStreamLeavesItsConnectionOpenForTheNextRequest() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    try (RawUpstream agent =
            ScriptedAgent.agent(
                connection -> {
                  ScriptedAgent.begin(connection);
                  ScriptedAgent.chunk(connection, ScriptedAgent.TOKEN);
                  // Long enough to be watched.
                  boolean _ = goOn.await(400, TimeUnit.MILLISECONDS);
                  ScriptedAgent.chunk(connection, ScriptedAgent.DONE);
                  connection.send("0\r\n\r\n");
                });
        TestGateway gateway = ScriptedAgent.gateway(agent).start();
        RawHttpClient client = new RawHttpClient(gateway.port())) {
      String key = gateway.key(List.of("maria_k"), "chat:write");
      for (int i = 0; i < 2; i++) {
        ChatStream stream = ChatStream.open(client, key);
        assertEquals("", stream.header("Connection"));
        assertTrue(stream.rest().contains("event: done"));
      }
      client.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
      assertTrue(client.readReply().startsWith("HTTP/1.1 200 OK\r\n"));
    }
  }

  /** Between the two calls the memory would be lost. */
  @ParameterizedTest
  @ValueSource(strings = {"PUT", "POST"})
  void aReplacementIsFinishedThoughItsClientHasLeft(String method) throws Exception {
    String text = "I like my garden";
    String id = MemoryItem.idOf(new UserId("maria_k"), text);
    CountDownLatch hasLeft = new CountDownLatch(1);
    CountDownLatch stored = new CountDownLatch(1);
    try (Fixture setting =
            Fixture.with(
                "MEMORY_URL",
                (connection, request) -> {
                  if (request.startsWith("DELETE ")) {
                    called.countDown();
                    assertTrue(hasLeft.await(10, TimeUnit.SECONDS));
                    assertFalse(connection.peerClosed(A_SECOND));
                    connection.reply("200 OK", "{\"status\":\"success\"}");
                  } else {
                    if (called.getCount() == 0 && request.startsWith("POST ")) {
                      stored.countDown();
                    }
                    connection.reply(
                        "200 OK", "{\"success\":true,\"chunk_ids\":[\"%s\"]}".formatted(id));
                  }
                });
        RawHttpClient client = new RawHttpClient(setting.gateway().port())) {
      String body = "{\"user_id\":\"maria_k\",\"text\":\"" + text + "\"}";
      String item = method.equals("PUT") ? "/" + id : "";
      client.send(request(setting, method, "/v1/elr/items" + item, body));
      assertTrue(called.await(10, TimeUnit.SECONDS));
      client.socket().setSoLinger(true, 0);
      client.socket().close();
      hasLeft.countDown();
      assertTrue(stored.await(10, TimeUnit.SECONDS));
      assertEquals(List.of(), setting.faulty().failures());
    }
  }
}
