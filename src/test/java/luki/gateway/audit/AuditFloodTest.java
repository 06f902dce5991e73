package luki.gateway.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import luki.gateway.json.Json;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nobody can fill the disk by being refused. */
@Timeout(120)
class AuditFloodTest {
  private static final int REQUESTS = 100_000;
  private static final int CONNECTIONS = 8;
  private static final int AT_ONCE = 50;
  private static final String DENIED =
      "GET /v1/elr/items/maria_k HTTP/1.1\r\nHost: a\r\nX-API-Key: luki_guess\r\n\r\n";

  @TempDir Path directory;

  private TestGateway.Builder gateway() {
    return TestGateway.builder().with("AUDIT_FILE", file().toString());
  }

  private Path file() {
    return directory.resolve("audit.log");
  }

  /** FAULTS: 100,000 requests without a credential. */
  @Test
  void aHundredThousandRequestsWithoutAValidCredentialAddARecordAMinute() throws Exception {
    long began = System.nanoTime();
    try (TestGateway gateway = gateway().start();
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<Void>> floods =
          IntStream.range(0, CONNECTIONS)
              .<Callable<Void>>mapToObj(_ -> () -> flood(gateway.port()))
              .toList();
      for (Future<Void> flood : clients.invokeAll(floods)) {
        flood.get();
      }
      gateway.drain();
    }
    long minutes = 1 + (System.nanoTime() - began) / 60_000_000_000L;
    List<String> lines = Files.readAllLines(file());
    assertTrue(lines.size() <= minutes, lines.size() + " records");
    long sum = 0;
    for (String line : lines) {
      Json entry = Json.parse(line.getBytes(StandardCharsets.UTF_8));
      assertEquals(
          "DENY_MANY UNAUTHENTICATED", text(entry, "decision") + " " + text(entry, "code"));
      sum += Long.parseLong(text(entry, "subject"));
    }
    assertEquals(REQUESTS, sum);
    assertInstanceOf(AuditChain.ChainCheck.Whole.class, AuditChain.verify(file()));
  }

  private static String text(Json entry, String member) {
    return entry.at(member).string("");
  }

  private static Void flood(int port) throws IOException {
    byte[] batch = DENIED.repeat(AT_ONCE).getBytes(StandardCharsets.US_ASCII);
    try (RawHttpClient client = new RawHttpClient(port)) {
      OutputStream out = client.socket().getOutputStream();
      for (int i = 0; i < REQUESTS / CONNECTIONS; i += AT_ONCE) {
        out.write(batch);
        for (int reply = 0; reply < AT_ONCE; reply++) {
          assertTrue(client.readReply().startsWith("HTTP/1.1 401 "));
        }
      }
    }
    return null;
  }

  @Test
  void aScopeDenialCountsAgainstTheRateOfItsCallerAndStaysADenial() throws Exception {
    try (TestGateway gateway = gateway().with("RATE_LIMIT_PER_MIN", "2").start()) {
      Client maria = gateway.client("elr:read");
      for (int i = 0; i < 100; i++) {
        HttpReply refused = maria.delete("/v1/elr/users/maria_k").expect(403, "FORBIDDEN");
        String state = refused.header("RateLimit").orElse("none");
        assertTrue(state.startsWith(i == 0 ? "\"user\";r=1;" : "\"user\";r=0;"), state);
      }
      maria.get("/v1/elr/items/maria_k").expect(429, "RATE_LIMITED");
      gateway.client("elr:read").get("/v1/elr/items/maria_k").expect(503);
      gateway.drain();
    }
    List<String> lines =
        Files.readAllLines(file()).stream().filter(line -> line.contains("FORBIDDEN")).toList();
    assertEquals(61, lines.size());
    assertTrue(lines.getLast().contains("\"subject\":\"40\""), lines.getLast());
  }
}
