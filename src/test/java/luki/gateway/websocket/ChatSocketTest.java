package luki.gateway.websocket;

import static luki.gateway.standin.ScriptedAgent.agent;
import static luki.gateway.standin.ScriptedAgent.answer;
import static luki.gateway.standin.ScriptedAgent.begin;
import static luki.gateway.standin.ScriptedAgent.chunk;
import static luki.gateway.standin.ScriptedAgent.gateway;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.http.WebSocketHandshakeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Chats over WebSocket, with the JDK's client. */
@Timeout(60)
class ChatSocketTest {
  private static final String ANSWER =
      "data: {\"token\": \"A\"}\n\ndata: {\"token\": \"B\"}\n\ndata: {\"done\": true}\n\n";
  private static final String[] NO_PROTOCOL = {};

  @BeforeEach
  void needsTheEdge() {
    assumeTrue(TestGateway.isEdge(), "the JDK's server cannot upgrade a connection");
  }

  private static String key(TestGateway gateway) {
    return gateway.key(List.of("maria_k"), "chat:write");
  }

  private static void isToken(String id, String token, Json message) {
    assertEquals("token", message.at("type").string(""), message.toString());
    assertEquals(id, message.at("id").string(""), message.toString());
    assertEquals(token, message.at("token").string(""), message.toString());
  }

  private static void isError(String id, String code, Json message) {
    assertEquals("error", message.at("type").string(""), message.toString());
    assertEquals(id, message.at("id").string(""), message.toString());
    assertEquals(code, message.pointer("/error/code").string(""), message.toString());
  }

  @Test
  void anAnswerComesAsTokensAndOneDone() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).start();
        SocketClient client = SocketClient.withKey(gateway, key(gateway))) {
      client.chat("1");

      isToken("1", "A", client.next());
      isToken("1", "B", client.next());
      Json done = client.next();
      assertEquals("done", done.at("type").string(""), done.toString());
      assertEquals("1", done.at("id").string(""));
      assertTrue(done.at("done").isTrue());
      assertTrue(done.pointer("/meta/trace_id").string("").matches("[0-9a-f]{32}"));

      client.sendClose();
      assertEquals(1000, client.closeCode());
      List<String> log = gateway.awaitLog(2);
      assertTrue(log.get(0).contains("\"route\":\"/v1/chat/stream\""), log.toString());
      assertTrue(log.get(0).contains("\"status\":200"), log.toString());
      assertTrue(log.get(1).contains("\"route\":\"/v1/chat/ws\""), log.toString());
      assertTrue(log.get(1).contains("\"status\":101"), log.toString());
    }
  }

  @Test
  void severalChatsShareAConnectionAndAreNotMixedUp() throws Exception {
    CountDownLatch both = new CountDownLatch(2);
    try (RawUpstream agent =
            agent(
                connection -> {
                  both.countDown();
                  assertTrue(both.await(10, TimeUnit.SECONDS));
                  answer(connection, ANSWER);
                });
        TestGateway gateway = gateway(agent).start();
        SocketClient client = SocketClient.withKey(gateway, key(gateway))) {
      client.chat("one");
      client.chat("two");

      List<String> one = new ArrayList<>();
      List<String> two = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        Json message = client.next();
        (message.at("id").string("").equals("one") ? one : two)
            .add(message.at("type").string("") + message.at("token").string(""));
      }
      assertEquals(List.of("tokenA", "tokenB", "done"), one);
      assertEquals(List.of("tokenA", "tokenB", "done"), two);
    }
  }

  @Test
  void aCancelledChatEndsItsCallAndTheOthersGoOn() throws Exception {
    CompletableFuture<Void> ended = new CompletableFuture<>();
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  chunk(connection, "data: {\"token\": \"A\"}\n\n");
                  if (connection.peerClosed(Duration.ofSeconds(20))) {
                    ended.complete(null);
                  }
                });
        TestGateway gateway = gateway(agent).start();
        SocketClient client = SocketClient.withKey(gateway, key(gateway))) {
      client.chat("1");
      isToken("1", "A", client.next());
      client.send("{\"type\":\"cancel\",\"id\":\"1\"}");

      Json done = client.next();
      assertEquals("done", done.at("type").string(""), done.toString());
      assertTrue(done.at("cancelled").isTrue(), done.toString());
      ended.get(10, TimeUnit.SECONDS);
      client.chat("1");
      isToken("1", "A", client.next());
    }
  }

  @Test
  void eachMessagePassesTheChecksOfTheChatRoute() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).with("RATE_LIMIT_PER_MIN", "4").start();
        SocketClient client = SocketClient.withKey(gateway, key(gateway))) {
      client.send("{\"type\":\"chat\",\"id\":\"1\",\"user_id\":\"anna_l\",\"message\":\"Hi\"}");
      isError("1", "NOT_OWNER", client.next());
      client.send("{\"type\":\"chat\",\"id\":\"2\",\"user_id\":\"maria_k\",\"message\":\" \"}");
      isError("2", "INVALID_REQUEST", client.next());
      client.send(
          "{\"type\":\"chat\",\"id\":\"3\",\"user_id\":\"maria_k\",\"message\":\"Hi\",\"x\":1}");
      Json unknown = client.next();
      isError("3", "INVALID_REQUEST", unknown);
      assertEquals("/x", unknown.pointer("/error/details/0/pointer").string(""));
      client.chat("4");
      isError("4", "RATE_LIMITED", client.next());
    }
  }

  @Test
  void whatIsNoChatGetsAnErrorAndTheConnectionStays() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).start();
        SocketClient client = SocketClient.withKey(gateway, key(gateway))) {
      for (String bad :
          List.of("no json", "[]", "{\"type\":\"chat\"}", "{\"id\":\"1\",\"id\":\"2\"}")) {
        client.send(bad);
        isError("", "INVALID_REQUEST", client.next());
      }
      client.send("{\"type\":\"dance\",\"id\":\"1\"}");
      isError("1", "INVALID_REQUEST", client.next());
      client.chat("2");
      isToken("2", "A", client.next());
    }
  }

  @Test
  void moreThanEightChatsAtOnceAreRefused() throws Exception {
    CountDownLatch called = new CountDownLatch(8);
    try (RawUpstream agent =
            agent(
                connection -> {
                  called.countDown();
                  boolean _ = connection.peerClosed(Duration.ofSeconds(20));
                });
        TestGateway gateway = gateway(agent).start();
        SocketClient client = SocketClient.withKey(gateway, key(gateway))) {
      for (int i = 1; i <= 8; i++) {
        client.chat("c" + i);
      }
      client.chat("c1");
      isError("c1", "INVALID_REQUEST", client.next());
      client.chat("c9");
      isError("c9", "OVERLOADED", client.next());
      assertTrue(called.await(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void aBinaryMessageAndOneThatIsTooBigEndTheConnection() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).with("MAX_BODY_BYTES", "1000").start();
        SocketClient binary = SocketClient.withKey(gateway, key(gateway));
        SocketClient big = SocketClient.withKey(gateway, key(gateway))) {
      binary.sendBinary(new byte[] {1});
      assertEquals(1003, binary.closeCode());
      big.send("x".repeat(1001));
      assertEquals(1009, big.closeCode());
    }
  }

  @Test
  void aDrainClosesIdleConnectionsAndLetsChatsEnd() throws Exception {
    CountDownLatch draining = new CountDownLatch(1);
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  chunk(connection, "data: {\"token\": \"A\"}\n\n");
                  assertTrue(draining.await(10, TimeUnit.SECONDS));
                  chunk(connection, "data: {\"token\": \"B\"}\n\ndata: {\"done\": true}\n\n");
                  connection.send("0\r\n\r\n");
                });
        TestGateway gateway = gateway(agent).start();
        SocketClient idle = SocketClient.withKey(gateway, key(gateway));
        SocketClient busy = SocketClient.withKey(gateway, key(gateway))) {
      busy.chat("1");
      isToken("1", "A", busy.next());
      Thread drain =
          Thread.startVirtualThread(
              () -> {
                try {
                  gateway.drain();
                } catch (InterruptedException stopped) {
                  Thread.currentThread().interrupt();
                }
              });

      assertEquals(1001, idle.closeCode());
      busy.chat("2");
      isError("2", "DRAINING", busy.next());
      draining.countDown();
      isToken("1", "B", busy.next());
      assertEquals("done", busy.next().at("type").string(""));
      assertEquals(1001, busy.closeCode());
      assertTrue(drain.join(Duration.ofSeconds(20)));
    }
  }

  @Test
  void aChatThatTheGraceDoesNotWaitForEndsWithAnErrorBeforeTheClose() throws Exception {
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  chunk(connection, "data: {\"token\": \"A\"}\n\n");
                  connection.stallUntilClosed();
                });
        TestGateway gateway = gateway(agent).with("SHUTDOWN_GRACE_S", "5").start();
        SocketClient client = SocketClient.withKey(gateway, key(gateway))) {
      client.chat("1");
      client.chat("2");
      Set<String> chats = new HashSet<>();
      for (int i = 0; i < 2; i++) {
        assertEquals("token", client.next().at("type").string(""));
      }
      gateway.drain();
      for (int i = 0; i < 2; i++) {
        Json last = client.next();
        assertEquals("DRAINING", last.pointer("/error/code").string(""), last.toString());
        chats.add(last.at("id").string(""));
      }
      assertEquals(Set.of("1", "2"), chats);
      assertEquals(1001, client.closeCode());
    }
  }

  @Test
  void aClientThatDoesNotAnswerTheCloseIsNotWaitedFor() throws Exception {
    try (TestGateway gateway = TestGateway.start(Map.of());
        Frames silent = Frames.open(gateway.port(), key(gateway))) {
      long began = System.nanoTime();
      gateway.drain();
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      assertEquals(1001, silent.next().code());
      assertNull(silent.next());
      assertTrue(took.compareTo(Duration.ofSeconds(15)) < 0, "took " + took);
    }
  }

  @Test
  void aHeadOpensNoSocket() throws Exception {
    try (TestGateway gateway = TestGateway.start(Map.of())) {
      String request = Frames.request(gateway.port(), key(gateway), "");
      assertEquals(400, RawHttpClient.statusOf(gateway.port(), "HEAD" + request.substring(3)));
    }
  }

  @Test
  void anUpgradeOfHttp10IsIgnored() throws Exception {
    try (TestGateway gateway = TestGateway.start(Map.of())) {
      String request = Frames.request(gateway.port(), key(gateway), "");
      String old = request.replace(" HTTP/1.1", " HTTP/1.0");
      assertEquals(400, RawHttpClient.statusOf(gateway.port(), old));
    }
  }

  @Test
  void theEndOfTheCredentialEndsTheConnection() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).start()) {
      String key = gateway.key(List.of("maria_k"), Instant.now().plusSeconds(3), "chat:write");
      try (SocketClient client = SocketClient.withKey(gateway, key)) {
        client.chat("1");
        isToken("1", "A", client.next());
        assertEquals(1008, client.closeCode());
      }
    }
  }

  @Test
  void aBrowserPresentsItsTokenAsASubprotocol() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).start()) {
      String bearer = "bearer." + key(gateway);
      String[] both = {"luki.chat.v1", bearer};
      try (SocketClient client = SocketClient.open(gateway, both)) {
        assertEquals("luki.chat.v1", client.protocol());
        client.chat("1");
        isToken("1", "A", client.next());
      }
      refused(gateway, 401, new String[] {"bearer.luki_wrong"});
      refused(gateway, 400, both, "Authorization", "Bearer " + key(gateway));
      refused(gateway, 401, NO_PROTOCOL);
    }
  }

  @Test
  void aTokenThatWasAcceptedIsNotLockedOutWithItsAddress() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).with("AUTH_FAILURES_PER_MIN", "5").start()) {
      String[] good = {"luki.chat.v1", "bearer." + key(gateway)};
      SocketClient.open(gateway, good).close();
      for (int i = 0; i < 5; i++) {
        refused(gateway, 401, new String[] {"bearer.luki_wrong" + i});
      }
      refused(gateway, 429, new String[] {"luki.chat.v1", "bearer." + key(gateway)});
      SocketClient.open(gateway, good).close();
    }
  }

  private static void refused(
      TestGateway gateway, int status, String[] protocols, String... headers) {
    ExecutionException refused =
        Assertions.assertThrows(
            ExecutionException.class, () -> SocketClient.open(gateway, protocols, headers));
    WebSocketHandshakeException cause =
        Assertions.assertInstanceOf(WebSocketHandshakeException.class, refused.getCause());
    assertEquals(status, cause.getResponse().statusCode());
  }

  @Test
  void onlyPagesOfAllowedOriginsMayConnect() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway =
            gateway(agent).with("CORS_ALLOWED_ORIGINS", "https://app.example").start()) {
      String key = key(gateway);
      String[] origins = {
        "https://app.example", "http://127.0.0.1:" + gateway.port(), "http://127.0.0.1", "null"
      };
      for (int i = 0; i < origins.length; i++) {
        HttpReply reply = Frames.handshake(gateway.port(), key, "Origin: " + origins[i] + "\r\n");
        assertEquals(i < 2 ? 101 : 403, reply.status(), origins[i]);
      }
    }
  }

  @Test
  void aRequestThatIsNoHandshakeIsRefusedWithWhatIsMissing() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).start()) {
      HttpReply plain = gateway.client("chat:write").get("/v1/chat/ws");
      plain.expect(400, "INVALID_REQUEST");
      assertTrue(plain.body().contains("\"pointer\":\"/Upgrade\""), plain.body());
      assertEquals("13", plain.header("Sec-WebSocket-Version").orElse(""));
      assertEquals(403, gateway.client("elr:read").get("/v1/chat/ws").status());
    }
  }

  @Test
  void theHandshakeAnswersAsInTheRfc() throws Exception {
    try (RawUpstream agent = agent(connection -> answer(connection, ANSWER));
        TestGateway gateway = gateway(agent).start()) {
      HttpReply reply = Frames.handshake(gateway.port(), key(gateway), "");
      assertEquals(101, reply.status());
      // RFC 6455 §1.3: the accept value of this key.
      assertEquals("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", reply.header("Sec-WebSocket-Accept").orElse(""));
      assertEquals("websocket", reply.header("Upgrade").orElse(""));
      assertEquals("Upgrade", reply.header("Connection").orElse(""));
      assertEquals("", reply.header("Sec-WebSocket-Extensions").orElse(""));
    }
  }

  @Test
  void aClientThatLeavesEndsItsChats() throws Exception {
    CompletableFuture<Void> ended = new CompletableFuture<>();
    try (RawUpstream agent =
            agent(
                connection -> {
                  begin(connection);
                  chunk(connection, "data: {\"token\": \"A\"}\n\n");
                  if (connection.peerClosed(Duration.ofSeconds(20))) {
                    ended.complete(null);
                  }
                });
        TestGateway gateway = gateway(agent).start();
        SocketClient client = SocketClient.withKey(gateway, key(gateway))) {
      client.chat("1");
      isToken("1", "A", client.next());
      client.leave();
      ended.get(10, TimeUnit.SECONDS);
      Waiting.until(
          Duration.ofSeconds(5), () -> gateway.metric("luki_gateway_streams").equals("0.0"));
    }
  }

  @Test
  void theRouteIsGoneWhereItIsSwitchedOff() {
    try (TestGateway gateway = TestGateway.builder().with("WEBSOCKET_ENABLED", "false").start()) {
      gateway.client("chat:write").get("/v1/chat/ws").expect(404, "NOT_FOUND");
      assertTrue(
          gateway
              .stranger()
              .get("/openapi.json")
              .json()
              .pointer("/paths/~1v1~1chat~1ws")
              .isMissing());
    }
  }
}
