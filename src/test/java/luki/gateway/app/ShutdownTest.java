package luki.gateway.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import luki.gateway.audit.AuditChain;
import luki.gateway.http.Deadline;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.Processes;
import luki.gateway.testing.RawHttpClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What SIGTERM does when parts of the gateway cannot end by themselves. */
@Timeout(60)
class ShutdownTest {
  private static final Duration GRACE = Duration.ofSeconds(2);
  // The machine of the tests is busy, which delays signals.
  private static final Duration LIMIT = GRACE.plusMillis(900);
  private static final String DENIED = "/v1/elr/items/maria_k";

  @TempDir Path directory;

  private Map<String, String> variables() {
    Map<String, String> variables = new HashMap<>();
    variables.put("SHUTDOWN_GRACE_S", Long.toString(GRACE.toSeconds()));
    variables.put("AUDIT_FILE", audit().toString());
    variables.put("REDIS_URL", Processes.unusedUrl().replace("http", "redis"));
    variables.put("USAGE_OUTBOX", directory.resolve("usage").toString());
    return variables;
  }

  private Path audit() {
    return directory.resolve("audit.log");
  }

  private void assertAuditIsWritten() throws Exception {
    assertTrue(Files.readString(audit()).contains("UNAUTHENTICATED"), Files.readString(audit()));
    assertInstanceOf(AuditChain.ChainCheck.Whole.class, AuditChain.verify(audit()));
  }

  /** FAULTS: a drain with nothing in flight, a dead OTLP endpoint, Redis away. */
  @Test
  void aDrainEndsWithinTheGraceThoughTheCollectorIsSilentAndRedisAway() throws Exception {
    Map<String, String> variables = variables();
    try (ServerSocket silent = new ServerSocket(0, 64, InetAddress.getLoopbackAddress())) {
      variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + silent.getLocalPort());
      try (GatewayProcess gateway = GatewayProcess.start(directory, List.of(), variables)) {
        gateway.stranger().get(DENIED).expect(401);
        Duration took = gateway.terminate();
        assertTrue(took.compareTo(LIMIT) < 0, took + " " + gateway.err());
        assertEquals(0, gateway.process().exitValue());
        assertTrue(gateway.out().contains("\"route\":\"/v1/elr/items/{id}\""), gateway.out());
      }
    }
    assertAuditIsWritten();
  }

  /** One pipe for stdout and one for stderr, which nobody reads, as of a log driver that hangs. */
  @Test
  void aBlockedStdoutDelaysNoOtherPart() throws Exception {
    try (GatewayProcess gateway =
        GatewayProcess.start(directory, List.of(), variables(), GatewayProcess.Output.PIPES)) {
      try (RawHttpClient client = new RawHttpClient(gateway.port())) {
        // More lines than a pipe can take.
        for (int i = 0; i < 1000; i++) {
          client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
          client.readReply();
        }
      }
      gateway.stranger().get(DENIED).expect(401);
      Duration took = gateway.terminate();
      assertTrue(took.compareTo(LIMIT) < 0, took.toString());
      assertEquals(0, gateway.process().exitValue());
    }
    assertAuditIsWritten();
  }

  @Test
  void aPartThatHangsOrFailsIsLoggedAndSkipsNoOther() {
    CountDownLatch interrupted = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    AutoCloseable hangs =
        () -> {
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException late) {
            interrupted.countDown();
          }
        };
    AutoCloseable fails =
        () -> {
          throw new IOException("of the test");
        };
    Deadline end = Deadline.after(Duration.ofMillis(500));
    Shutdown.close(end, List.of(hangs, fails, closed::countDown));
    assertEquals(0, closed.getCount());
    assertEquals(0, interrupted.getCount());
    assertTrue(end.left().toMillis() > 0, "the deadline is kept");
  }

  @Test
  void streamsHaveMoreTimeForTheirEndWhereThereAreMany() {
    Duration grace = Duration.ofSeconds(24);
    assertEquals(Duration.ofSeconds(1), Gateway.streamEnd(grace, 0));
    assertEquals(Duration.ofSeconds(3), Gateway.streamEnd(grace, 10_000));
    assertEquals(Duration.ofSeconds(6), Gateway.streamEnd(grace, 1_000_000));
    assertEquals(Duration.ofMillis(500), Gateway.streamEnd(Duration.ofSeconds(2), 10_000));
  }
}
