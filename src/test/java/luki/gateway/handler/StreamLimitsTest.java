package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What ends a stream before the agent does. */
class StreamLimitsTest {
  @TempDir private Path bills;

  private static final String TOKEN = "data: {\"token\": \"x\"}\n\n";

  /** An agent that sends a word every few milliseconds until the client disconnects. */
  private static RawUpstream chatterbox(String token, long pauseMillis) {
    return RawUpstream.start(
        connection -> {
          connection.readRequest();
          connection.send(
              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                  + "Transfer-Encoding: chunked\r\n\r\n");
          CountDownLatch never = new CountDownLatch(1);
          while (!never.await(pauseMillis, TimeUnit.MILLISECONDS)) {
            connection.send(Integer.toHexString(token.length()) + "\r\n" + token + "\r\n");
          }
        });
  }

  private static TestGateway gateway(RawUpstream agent, Map<String, String> more) {
    return TestGateway.builder()
        .with("AGENT_URL", agent.url())
        .with(more)
        .yaml("total: 14m", "total: 2s")
        .start();
  }

  @Test
  void theDurationOfAStreamIsBoundedThoughTheAgentNeverPauses() throws Exception {
    try (RawUpstream agent = chatterbox(TOKEN, 20);
        TestGateway gateway = gateway(agent, Map.of());
        ChatStream reader =
            ChatStream.open(gateway, gateway.key(List.of("maria_k"), "chat:write"))) {
      assertTrue(reader.reaches("event: error"));
      String error = reader.line();
      assertTrue(error.contains("DOWNSTREAM_TIMEOUT"), error);
      assertTrue(error.contains("\"Agent service did not finish in time\""), error);
    }
  }

  @Test
  void anEventSourceThatReconnectsIsStoppedWithoutACallAndWithoutABill() throws Exception {
    try (RawUpstream agent = chatterbox(TOKEN, 20);
        TestGateway gateway =
            TestGateway.builder()
                .with("AGENT_URL", agent.url())
                .with("USAGE_OUTBOX", bills.resolve("usage").toString())
                .start()) {
      String key = gateway.keyOfPlan("family", List.of("maria_k"), "chat:write", "usage:read");
      Client maria = new Client(gateway, key);
      String target = "/v1/chat/stream?user_id=maria_k&message=Hi";
      HttpReply answer =
          maria.get(target, "Accept", "text/event-stream", "Last-Event-ID", "7").expect(204);
      assertEquals("", answer.rest());
      maria.get(target, "Last-Event-ID", "").expect(204);
      maria.get(target + "&user_id=bob", "Last-Event-ID", "7").expect(400);
      assertEquals("0.0", gateway.metric("luki_gateway_streams"));
      for (Json quota : maria.get("/v1/usage").json().at("quotas").items()) {
        assertEquals(0, quota.at("used").integer().orElseThrow(), maria.get("/v1/usage").body());
      }
      assertTrue(agent.requests().stream().noneMatch(request -> request.startsWith("POST ")));
    }
    try (Stream<Path> files = Files.list(bills)) {
      for (Path file : files.toList()) {
        assertFalse(Files.readString(file).contains("chatStreamByQuery"), file.toString());
      }
    }
  }

  @Test
  void aDrainEndsAStreamWithinItsGraceThoughTheAgentNeverPauses() throws Exception {
    try (RawUpstream agent = chatterbox(TOKEN, 20);
        TestGateway gateway =
            TestGateway.builder()
                .with("AGENT_URL", agent.url())
                .with("SHUTDOWN_GRACE_S", "1")
                .start();
        ChatStream reader =
            ChatStream.open(gateway, gateway.key(List.of("maria_k"), "chat:write"))) {
      assertTrue(reader.reaches("\"x\""));
      Thread drain = Thread.ofVirtual().start(() -> drain(gateway));
      assertTrue(reader.reaches("DRAINING"));
      assertTrue(drain.join(Duration.ofSeconds(5)));
    }
  }

  private static void drain(TestGateway gateway) {
    try {
      gateway.drain();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aRevokedKeyEndsItsOpenStreams() throws Exception {
    try (RawUpstream agent = chatterbox(TOKEN, 20);
        TestGateway gateway = TestGateway.builder().with("AGENT_URL", agent.url()).start()) {
      String key = gateway.key(List.of("maria_k"), "chat:write");
      try (ChatStream reader = ChatStream.open(gateway, key)) {
        assertTrue(reader.reaches("\"x\""));
        gateway.revoke(key);
        assertTrue(reader.reaches("event: error"));
        assertTrue(reader.reaches("UNAUTHENTICATED"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"scopes,elr:read,FORBIDDEN", "users,anna,NOT_OWNER"})
  void aKeyThatIsNarrowedEndsItsOpenStreams(String member, String left, String code)
      throws Exception {
    try (RawUpstream agent = chatterbox(TOKEN, 20);
        TestGateway gateway = TestGateway.builder().with("AGENT_URL", agent.url()).start()) {
      String key = gateway.key(List.of("maria_k"), "chat:write");
      try (ChatStream reader = ChatStream.open(gateway, key)) {
        assertTrue(reader.reaches("\"x\""));
        gateway.editKey(key, member, left);
        assertTrue(reader.reaches("event: error"));
        assertTrue(reader.reaches(code));
      }
    }
  }

  @Test
  void withdrawnConsentEndsStreamsWithMemoriesWithOneCallForAll() throws Exception {
    try (RawUpstream agent = chatterbox(TOKEN, 20);
        StandIns services = StandIns.start();
        TestGateway gateway =
            TestGateway.builder().with(services.urls()).with("AGENT_URL", agent.url()).start()) {
      String key = gateway.key(List.of("maria_k"), "chat:write", "elr:write");
      Client maria = new Client(gateway, key);
      String memory = "{\"user_id\":\"maria_k\",\"text\":\"Hi there\"}";
      maria.post("/v1/elr/ingest_text", memory).expect(201);
      try (ChatStream one = ChatStream.open(gateway, key);
          ChatStream two = ChatStream.open(gateway, key)) {
        assertTrue(one.reaches("\"x\""));
        assertTrue(two.reaches("\"x\""));
        services.forget();
        services.revoke("maria_k", "elr_memories");
        long began = System.nanoTime();
        assertTrue(one.reaches("CONSENT_DENIED"));
        assertTrue(two.reaches("CONSENT_DENIED"));
        assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 5);
        long asked =
            services.seen("security").stream().filter(s -> s.method().equals("POST")).count();
        assertTrue(asked <= 2, "asked " + asked + " times");
      }
    }
  }

  @Test
  void aClientThatNeverReadsIsDisconnectedAndTheAgentsCallEnds() throws Exception {
    String vast = "data: {\"token\": \"" + "y".repeat(60_000) + "\"}\n\n";
    try (RawUpstream agent = chatterbox(vast, 1);
        TestGateway gateway =
            TestGateway.builder()
                .with("AGENT_URL", agent.url())
                .with("WRITE_TIMEOUT_S", "1")
                .start();
        RawHttpClient slow = new RawHttpClient(gateway.port(), 20_000, 4096);
        ChatStream reader = ChatStream.open(slow, gateway.key(List.of("maria_k"), "chat:write"))) {
      List<String> log =
          Waiting.until(Duration.ofSeconds(15), gateway::log, lines -> !lines.isEmpty());
      assertTrue(log.getFirst().contains("\"event\":\"client_closed\""), log.getFirst());
      assertEquals(1, log.size());
      assertEquals(200, reader.status());
    }
  }
}
