package luki.gateway.delivery;

import static luki.gateway.standin.RawUpstream.header;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Bills on their way to whoever makes them: nothing is lost, and nobody waits. */
@Timeout(60)
class UsageSinkTest {
  private static final String READS = "/v1/cognitive/life-story/phases";
  private static final byte[] SECRET = "a secret of twenty-four b".getBytes(StandardCharsets.UTF_8);
  private static final String SECRETS =
      "whsec_"
          + Base64.getEncoder().encodeToString(SECRET)
          + ",whsec_"
          + Base64.getEncoder()
              .encodeToString("an older secret, as long".getBytes(StandardCharsets.UTF_8));

  @TempDir Path directory;
  private final List<String> received = new CopyOnWriteArrayList<>();
  private volatile String answer = "204 No Content";
  private volatile boolean bare;
  private volatile long answerMillis;

  @AutoClose
  private final RawUpstream sink =
      RawUpstream.serving(
          (connection, request) -> {
            received.add(request);
            Thread.sleep(answerMillis);
            connection.send("HTTP/1.1 " + answer + (bare ? "" : "\r\nContent-Length: 0\r\n\r\n"));
          });

  @AutoClose private final RawUpstream cognitive = RawUpstream.answering(RawUpstream.EMPTY_OBJECT);

  private TestGateway gateway() {
    return TestGateway.builder()
        .with("COG_URL", cognitive.url())
        .with("USAGE_OUTBOX", directory.resolve("usage").toString())
        .with("USAGE_SINK_URL", sink.url() + "/bills")
        .with("USAGE_SINK_SECRET", SECRETS)
        .start();
  }

  private static Client caller(TestGateway gateway) {
    return gateway.client("cognitive:read");
  }

  private static void read(TestGateway gateway, int times) {
    Client maria = caller(gateway);
    for (int i = 0; i < times; i++) {
      maria.get(READS).expect(200);
    }
  }

  private static String body(String request) {
    return request.substring(request.indexOf("\r\n\r\n") + 4);
  }

  private List<String> ids() {
    return received.stream().map(request -> header(request, "webhook-id")).toList();
  }

  private String outbox() throws Exception {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.sorted().toList()) {
        if (file.toString().matches(".*\\d{8}")) {
          text.append(Files.readString(file));
        }
      }
    }
    return text.toString();
  }

  @Test
  void eachBillableCallIsOneSignedEventWithoutContent() throws Exception {
    try (TestGateway gateway = gateway()) {
      Client maria = caller(gateway);
      maria.get(READS).expect(200);
      maria.get("/v1/elr/users/another/stats").expect(403);
      maria.get("/v1/nothing").expect(404);
      maria.get(READS).expect(200);
      Waiting.until(() -> received.size() >= 2);
      String first = received.getFirst();
      assertTrue(first.startsWith("POST /bills HTTP/1.1"), first);
      Json event = Json.parse(body(first).getBytes(StandardCharsets.UTF_8));
      assertEquals("1.0", event.at("specversion").string());
      assertEquals(header(first, "webhook-id"), event.at("id").string());
      assertEquals("application/cloudevents+json", header(first, "content-type"));
      Instant.parse(event.at("time").string(""));
      Json data = event.at("data");
      assertEquals("{\"requests\":1}", data.at("units").toString());
      assertEquals(200, data.at("status").integer().orElseThrow());
      assertEquals("default", data.at("plan").string());
      assertFalse(data.at("operation").string("").isEmpty());
      assertFalse(first.contains("maria"), first);
      // The log and the bill name the caller alike.
      assertTrue(gateway.awaitLog(4).getFirst().contains(data.at("principal").string("?")));
      verify(first);
      assertEquals(2, received.size());
    }
  }

  private static void verify(String request) throws Exception {
    String id = header(request, "webhook-id");
    String signed = "%s.%s.%s".formatted(id, header(request, "webhook-timestamp"), body(request));
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(SECRET, "HmacSHA256"));
    byte[] hash = mac.doFinal(signed.getBytes(StandardCharsets.UTF_8));
    String expected = "v1," + Base64.getEncoder().encodeToString(hash);
    List<String> signatures = List.of(header(request, "webhook-signature").split(" ", -1));
    assertEquals(2, signatures.size());
    assertEquals(expected, signatures.getFirst());
  }

  @Test
  void aSinkThatFailsSlowsNobodyAndGetsEverythingInOrderOnceItIsBack() throws Exception {
    answer = "500 Internal Server Error";
    try (TestGateway gateway = gateway()) {
      read(gateway, 30);
      Waiting.until(() -> received.size() >= 2);
      assertEquals(1, Set.copyOf(ids()).size(), "only the first one is tried, again and again");
      String metrics = gateway.stranger().get("/metrics").body();
      assertTrue(metrics.contains("luki_gateway_usage_events_lost_total 0.0"), metrics);
      assertFalse(metrics.contains("luki_gateway_usage_backlog_bytes 0.0"), metrics);
      answer = "200 OK";
      Waiting.until(() -> Set.copyOf(ids()).size() == 30);
      List<String> written = new ArrayList<>();
      for (String line : outbox().lines().toList()) {
        written.add(Json.parse(line.getBytes(StandardCharsets.UTF_8)).at("id").string());
      }
      assertEquals(written, ids().stream().distinct().toList());
    }
  }

  @Test
  void aSlowSinkIsWaitedForByNobody() {
    answerMillis = 300;
    try (TestGateway gateway = gateway()) {
      read(gateway, 1);
      long began = System.nanoTime();
      read(gateway, 20);
      long millis = (System.nanoTime() - began) / 1_000_000;
      assertTrue(millis < 3000, millis + " ms for twenty calls");
    }
  }

  @Test
  void whatWasNotTakenBeforeAStopIsDeliveredAfterTheNextStart() {
    answer = "503 Service Unavailable";
    try (TestGateway gateway = gateway()) {
      read(gateway, 5);
      gateway.awaitLog(5);
    }
    received.clear();
    answer = "202 Accepted";
    try (TestGateway gateway = gateway()) {
      Waiting.until(() -> ids().size() >= 5);
      assertEquals(5, ids().stream().collect(Collectors.toSet()).size());
      read(gateway, 1);
      Waiting.until(() -> ids().size() >= 6);
    }
  }

  @Test
  void aSinkThatIsGoneIsAskedNoMore() throws Exception {
    answer = "410 Gone";
    try (TestGateway gateway = gateway()) {
      read(gateway, 5);
      Waiting.until(() -> !received.isEmpty());
      read(gateway, 5);
      Waiting.until(() -> outboxLines() == 10);
      assertEquals(1, received.size());
    }
    answer = "204 No Content";
    try (TestGateway gateway = gateway()) {
      Waiting.until(() -> Set.copyOf(ids()).size() == 10);
      assertTrue(gateway.port() > 0);
    }
  }

  private long outboxLines() throws Exception {
    return outbox().lines().count();
  }

  @Test
  void whatASinkSaysBesideItsStatusDoesNotMatter() {
    String much = "x".repeat(200_000);
    answer =
        "200 OK\r\nX-Much: 1\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            + Integer.toHexString(much.length())
            + "\r\n"
            + much
            + "\r\n0\r\n\r\n";
    bare = true;
    try (TestGateway gateway = gateway()) {
      read(gateway, 3);
      Waiting.until(() -> Set.copyOf(ids()).size() == 3);
      assertEquals(3, received.size());
    }
  }

  @Test
  void aRedirectIsNoSuccessAndIsNotFollowed() throws InvalidJson {
    answer = "307 Temporary Redirect\r\nLocation: " + cognitive.url() + "/elsewhere";
    try (TestGateway gateway = gateway()) {
      read(gateway, 1);
      Waiting.until(() -> received.size() >= 2);
      assertEquals(1, Set.copyOf(ids()).size());
      assertFalse(cognitive.requests().stream().anyMatch(request -> request.contains("elsewhere")));
    }
  }
}
