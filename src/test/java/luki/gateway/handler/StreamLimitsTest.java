package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;

/** What ends a stream while the agent has more to say. */
class StreamLimitsTest {
  private static final String TOKEN = "data: {\"token\": \"x\"}\n\n";

  /** An agent that says a word every few milliseconds for as long as it is listened to. */
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

  private static Socket ask(TestGateway gateway, String key, int receiveBuffer) throws Exception {
    Socket socket = new Socket();
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), gateway.port()));
    socket.setSoTimeout(20_000);
    String body = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
    socket
        .getOutputStream()
        .write(
            ("POST /v1/chat/stream HTTP/1.1\r\nHost: a\r\nX-API-Key: "
                    + key
                    + "\r\nContent-Type: application/json\r\nContent-Length: "
                    + body.length()
                    + "\r\n\r\n"
                    + body)
                .getBytes(StandardCharsets.UTF_8));
    return socket;
  }

  /** Reads until that text has come; false when the stream ended before. */
  private static boolean reads(InputStream in, String wanted) throws Exception {
    StringBuilder seen = new StringBuilder();
    for (int b = in.read(); b >= 0; b = in.read()) {
      seen.append((char) b);
      if (seen.indexOf(wanted, Math.max(0, seen.length() - wanted.length())) >= 0) {
        return true;
      }
    }
    return false;
  }

  private static TestGateway gateway(RawUpstream agent, Map<String, String> more) {
    return TestGateway.builder()
        .with("AGENT_URL", agent.url())
        .with(more)
        .yaml("total: 14m", "total: 2s")
        .start();
  }

  @Test
  void theLifeOfAStreamIsBoundedThoughTheAgentNeverPauses() throws Exception {
    try (RawUpstream agent = chatterbox(TOKEN, 20);
        TestGateway gateway = gateway(agent, Map.of());
        Socket reader = ask(gateway, gateway.key(List.of("maria_k"), "chat:write"), 0)) {
      assertTrue(reads(reader.getInputStream(), "event: error"));
      assertTrue(reads(reader.getInputStream(), "DOWNSTREAM_TIMEOUT"));
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
        Socket reader = ask(gateway, gateway.key(List.of("maria_k"), "chat:write"), 0)) {
      assertTrue(reads(reader.getInputStream(), "\"x\""));
      Thread drain = Thread.ofVirtual().start(() -> drain(gateway));
      assertTrue(reads(reader.getInputStream(), "DRAINING"));
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
      try (Socket reader = ask(gateway, key, 0)) {
        assertTrue(reads(reader.getInputStream(), "\"x\""));
        gateway.keys().revoke(key.split("_", -1)[1]);
        gateway.refreshKeys();
        assertTrue(reads(reader.getInputStream(), "event: error"));
        assertTrue(reads(reader.getInputStream(), "UNAUTHENTICATED"));
      }
    }
  }

  @Test
  void consentThatIsWithdrawnEndsTheStreamsThatUseMemoriesAndAsksOnceForAll() throws Exception {
    try (RawUpstream agent = chatterbox(TOKEN, 20);
        StandIns services = StandIns.start();
        TestGateway gateway =
            TestGateway.builder().with(services.urls()).with("AGENT_URL", agent.url()).start()) {
      String key = gateway.key(List.of("maria_k"), "chat:write", "elr:write");
      Client maria = new Client(gateway, key);
      String memory = "{\"user_id\":\"maria_k\",\"text\":\"Hi there\"}";
      assertEquals(201, maria.post("/v1/elr/ingest_text", memory).status());
      try (Socket one = ask(gateway, key, 0);
          Socket two = ask(gateway, key, 0)) {
        assertTrue(reads(one.getInputStream(), "\"x\""));
        assertTrue(reads(two.getInputStream(), "\"x\""));
        services.forget();
        services.revoke("maria_k", "elr_memories");
        long began = System.nanoTime();
        assertTrue(reads(one.getInputStream(), "CONSENT_DENIED"));
        assertTrue(reads(two.getInputStream(), "CONSENT_DENIED"));
        assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 5);
        long asked =
            services.seen("security").stream().filter(s -> s.method().equals("POST")).count();
        assertTrue(asked <= 2, "asked " + asked + " times");
      }
    }
  }

  @Test
  void aReaderThatNeverReadsIsLetGoAndSoIsTheAgent() throws Exception {
    String vast = "data: {\"token\": \"" + "y".repeat(60_000) + "\"}\n\n";
    try (RawUpstream agent = chatterbox(vast, 1);
        TestGateway gateway =
            TestGateway.builder()
                .with("AGENT_URL", agent.url())
                .with("WRITE_TIMEOUT_S", "1")
                .start();
        Socket reader = ask(gateway, gateway.key(List.of("maria_k"), "chat:write"), 4096)) {
      List<String> log =
          Waiting.until(Duration.ofSeconds(15), gateway::log, lines -> !lines.isEmpty());
      assertTrue(log.getFirst().contains("\"event\":\"client_closed\""), log.getFirst());
      assertEquals(1, log.size());
      assertTrue(reader.isConnected());
    }
  }
}
