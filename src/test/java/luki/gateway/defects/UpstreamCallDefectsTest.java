package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Processes;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every wait has an end, only a whole reply is passed on, and only idempotent calls are repeated.
 */
@Timeout(60)
class UpstreamCallDefectsTest {
  private static final String EMPTY_LIST = "{\"results\":[],\"total_count\":0}";
  private static final String JSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  private static final Duration PAUSE = Duration.ofMillis(40);

  private static Fixture memory(RawUpstream.Handler fault) {
    return Fixture.with(
        "MEMORY_URL",
        fault,
        g -> g.with("MAX_REPLY_BYTES", "65536").yaml("total: 10s", "total: 700ms"));
  }

  private static void assertTimesOut(RawUpstream.Handler fault) throws InterruptedException {
    CountDownLatch closed = new CountDownLatch(1);
    try (Fixture fixture =
        memory(
            (connection, request) -> {
              fault.handle(connection, request);
              connection.stallUntilClosed();
              closed.countDown();
            })) {
      Client maria = fixture.maria();
      long began = System.nanoTime();
      HttpReply answer = maria.get(Fixture.ITEMS).expect(504, "DOWNSTREAM_TIMEOUT");
      long tookMillis = (System.nanoTime() - began) / 1_000_000;
      assertEquals(
          "Memory service did not respond", answer.json().at("error").at("message").string());
      assertTrue(tookMillis >= 600 && tookMillis < 5000, tookMillis + " ms");
      assertTrue(closed.await(10, TimeUnit.SECONDS), "the connection is let go");
      assertEquals(1, fixture.faultyCalls().size());
    }
  }

  @Test
  void R10_aServiceThatNeverRepliesIsTimedOut() throws InterruptedException {
    assertTimesOut((_, _) -> {});
  }

  @Test
  void R10_aSlowHeadDoesNotExtendTheDeadline() throws InterruptedException {
    String slow = JSON + "Content-Length: 30\r\n\r\n" + EMPTY_LIST + " ".repeat(300);
    assertTimesOut((connection, _) -> connection.drip(slow, PAUSE));
  }

  @Test
  void R10_aBodyThatStallsIsTimedOut() throws InterruptedException {
    assertTimesOut(
        (connection, _) -> connection.send(JSON + "Content-Length: 100\r\n\r\n{\"results\":["));
  }

  @Test
  void R10_aSlowBodyDoesNotExtendTheDeadline() throws InterruptedException {
    assertTimesOut(
        (connection, _) -> {
          connection.send(JSON + "Content-Length: 999\r\n\r\n");
          connection.drip(" ".repeat(999), PAUSE);
        });
  }

  @Test
  void R10_anAgentThatNeverRepliesIsTimedOut() {
    try (Fixture fixture =
        Fixture.with(
            "AGENT_URL",
            (c, _) -> c.stallUntilClosed(),
            g -> g.yaml("total: 60s", "total: 700ms"))) {
      fixture.maria().post("/v1/chat", Fixture.CHAT).expect(504);
      assertEquals(1, fixture.faultyCalls().size());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length: 60\r\n\r\n{\"results\":[],",
        "Transfer-Encoding: chunked\r\n\r\n1e\r\n{\"results\":[],\"total_count\":0}\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1e\r\n{\"results\":[],"
      })
  void R10_aTruncatedReplyIsAnError(String rest) {
    for (String how : List.of("reset", "close")) {
      try (Fixture fixture =
          memory(
              (connection, _) -> {
                connection.send(JSON + rest);
                if (how.equals("reset")) {
                  // Only after the bytes have arrived: an RST may discard them.
                  connection.peerClosed(PAUSE);
                  connection.reset();
                }
                connection.close();
              })) {
        fixture.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_UNAVAILABLE");
      }
    }
  }

  /** Beyond MAX_REPLY_BYTES, and within it but without room to read and parse it. */
  @ParameterizedTest
  @CsvSource({"9000000,502,DOWNSTREAM_ERROR", "2000000,503,OVERLOADED"})
  void aReplyIsRefusedAtItsHeadByItsLength(int length, int status, String code) {
    assumeTrue(TestGateway.isWire(), "the JDK's client does not say how much is left");
    try (Fixture fixture =
        Fixture.with(
            "ENG_URL",
            (connection, _) -> {
              connection.send(
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                      + length
                      + "\r\n\r\n");
              connection.stallUntilClosed();
            },
            g -> g.with("MAX_BUFFERED_BYTES", Integer.toString(16 << 20)))) {
      long began = System.nanoTime();
      fixture.maria().get("/v1/engagement/metrics/maria_k").expect(status, code);
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      assertTrue(took.compareTo(Duration.ofSeconds(2)) < 0, took.toString());
    }
  }

  @Test
  void R10_anEndlessReplyIsAborted() throws InterruptedException {
    byte[] chunk = ("1000\r\n" + "a".repeat(4096) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    CountDownLatch brokenOff = new CountDownLatch(1);
    try (Fixture fixture =
        memory(
            (connection, _) -> {
              connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
              try {
                while (true) {
                  connection.send(chunk);
                }
              } finally {
                brokenOff.countDown();
              }
            })) {
      fixture.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_ERROR");
      assertTrue(brokenOff.await(10, TimeUnit.SECONDS));
      assertEquals(1, fixture.faultyCalls().size(), "too long is not worth a second try");
    }
  }

  @Test
  void R10_onlyAReplyBeyondTheLimitIsRefused() {
    String stats =
        "{\"user_id\":\"maria_k\",\"total_memories\":0,\"recent_memories\":0,"
            + "\"content_types\":{},\"consent_levels\":{}}";
    String padding = " ".repeat(65_536 - stats.length());
    for (int more : List.of(0, 1, 11_000_000)) {
      String body = stats + padding + " ".repeat(more);
      try (Fixture fixture = memory((c, _) -> c.reply("200 OK", body))) {
        HttpReply answer = fixture.maria().get("/v1/elr/users/maria_k/stats");
        assertEquals(more == 0 ? 200 : 502, answer.status(), more + " too many");
        if (more > 0) {
          assertEquals("DOWNSTREAM_ERROR", answer.code());
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"301", "302", "303", "307", "308"})
  void R10_aRedirectIsNeverFollowed(String status) {
    try (RawUpstream elsewhere = Fixture.faulty((c, _) -> c.reply("200 OK", EMPTY_LIST));
        Fixture fixture =
            memory(
                (c, _) ->
                    c.send(
                        "HTTP/1.1 %s Moved\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n"
                            .formatted(status, elsewhere.url())))) {
      HttpReply answer = fixture.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_ERROR");
      assertTrue(answer.header("Location").isEmpty());
      assertEquals(0, elsewhere.connections());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SSH-2.0-OpenSSH_9.6\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "<html>{\"results\":[]}</html>\r\n\r\n",
        "HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "\r\n\r\n\r\n\u0000\u0001\u0002"
      })
  void R10_aReplyThatIsNotHttpIsABadGateway(String bytes) {
    try (Fixture fixture =
        memory(
            (connection, _) -> {
              connection.send(bytes);
              connection.peerClosed(PAUSE);
              connection.close();
            })) {
      fixture.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_UNAVAILABLE");
    }
  }

  @Test
  void R10_aRefusedConnectionIsAnsweredQuickly() {
    try (Fixture fixture = Fixture.start(g -> g.with("MEMORY_URL", Processes.unusedUrl()))) {
      Client maria = fixture.maria();
      long best = Long.MAX_VALUE;
      for (int i = 0; i < 5; i++) {
        long began = System.nanoTime();
        HttpReply answer = maria.delete("/v1/elr/items/maria_k_a");
        best = Math.min(best, System.nanoTime() - began);
        answer.expect(502, "DOWNSTREAM_UNAVAILABLE");
      }
      assertTrue(best < 100_000_000L, best + " ns");
    }
  }

  private static final String UNAVAILABLE = "503 Service Unavailable";

  /** With a service that fails the first call, by a reset or by 503, and answers later calls. */
  private static Fixture failingOnce(String variable, String how, String answer) {
    AtomicInteger calls = new AtomicInteger();
    return Fixture.with(
        variable,
        (connection, request) -> {
          if (request.contains("/similar/")) {
            connection.reply("404 Not Found", "{}");
          } else if (calls.incrementAndGet() > 1) {
            connection.reply("200 OK", answer);
          } else if (how.equals("reset")) {
            connection.reset();
          } else if (how.equals("close")) {
            connection.close();
          } else {
            connection.reply(UNAVAILABLE, "{}");
          }
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"503", "reset", "close"})
  void R10_aFailedSearchIsRetriedOnce(String how) {
    try (Fixture setting = failingOnce("MEMORY_URL", how, "{\"results\":[],\"total_count\":0}")) {
      setting.maria().post("/v1/elr/search", Fixture.SEARCH).expect(200);
      List<String> searches =
          setting.faultyCalls().stream().filter(call -> call.contains("\"query\":\"a\"")).toList();
      assertEquals(2, searches.size());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "503|POST|/v1/elr/items|{\"user_id\":\"maria_k\",\"text\":\"a\"}",
        "reset|POST|/v1/elr/items|{\"user_id\":\"maria_k\",\"text\":\"a\"}",
        "503|DELETE|/v1/elr/items/maria_k_aaaaaaaaaaaa|",
        "reset|DELETE|/v1/elr/users/maria_k|"
      })
  void R10_anIngestionAndADeletionAreRetriedOnce(
      String how, String method, String target, String body) {
    String answer =
        "{\"status\":\"success\",\"deleted_count\":0,\"success\":true,"
            + "\"chunk_ids\":[\"maria_k_ca978112ca1b\"]}";
    try (Fixture setting = failingOnce("MEMORY_URL", how, answer)) {
      HttpReply got = setting.maria().send(method, target, body);
      assertTrue(got.status() < 300, got.body());
      assertEquals(
          2, setting.faultyCalls().stream().filter(call -> call.startsWith(method + " ")).count());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"503", "reset"})
  void R10_theConsentCallIsRetriedOnce(String how) {
    try (Fixture setting = failingOnce("SECURITY_URL", how, "{\"allowed\":true}")) {
      setting.maria().get(Fixture.ITEMS).expect(200);
      assertEquals(2, setting.faultyCalls().size());
    }
  }

  @Test
  void R10_noCallIsSentThreeTimes() {
    try (Fixture setting = Fixture.with("MEMORY_URL", (c, _) -> c.reply(UNAVAILABLE, "{}"))) {
      setting.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_ERROR");
      assertEquals(2, setting.faultyCalls().size());
    }
  }

  @ParameterizedTest
  @CsvSource({"500 Internal Server Error", "502 Bad Gateway", "429 Too Many Requests"})
  void R10_onlyAnOutageIsRetried(String status) {
    try (Fixture setting = Fixture.with("MEMORY_URL", (c, _) -> c.reply(status, "{}"))) {
      setting.maria().get(Fixture.ITEMS);
      assertEquals(1, setting.faultyCalls().size());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "503,/v1/chat",
    "reset,/v1/chat",
    "close,/v1/chat",
    "503,/v1/chat/stream",
    "reset,/v1/chat/stream",
    "close,/v1/chat/stream"
  })
  void R10_aMessageThatWasSentIsNotRetried(String how, String path) {
    try (Fixture setting = failingOnce("AGENT_URL", how, "{\"response\":\"twice\"}")) {
      setting.maria().post(path, Fixture.CHAT).expect(502);
      assertEquals(1, setting.faultyCalls().size());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "REP_URL|503|/v1/reports/generate|{\"user_id\":\"maria_k\",\"window_days\":7}",
        "REP_URL|reset|/v1/reports/generate|{\"user_id\":\"maria_k\",\"window_days\":7}",
        "REP_URL|reset|/v1/reporting/reports/maria_k/wellbeing|",
        "COG_URL|503|/v1/cognitive/life-story/start|{\"user_id\":\"maria_k\"}",
        "COG_URL|reset|/v1/cognitive/life-story/start|{\"user_id\":\"maria_k\"}",
        "ENG_URL|reset|/v1/engagement/interactions|{\"user_id\":\"maria_k\",\"interaction_type\":\"a\"}"
      })
  void R10_aWriteOfAModuleIsNotRetried(String variable, String how, String path, String body) {
    try (Fixture setting = failingOnce(variable, how, "{}")) {
      setting.maria().post(path, body).expect(502);
      assertEquals(1, setting.faultyCalls().size());
    }
  }

  @Test
  void R10_aMessageThatWasNotSentIsRetriedOnce() {
    try (Fixture setting = Fixture.start(g -> g.with("AGENT_URL", Processes.unusedUrl()))) {
      setting.maria().post("/v1/chat", Fixture.CHAT).expect(502, "DOWNSTREAM_UNAVAILABLE");
      String metrics = setting.stranger().get("/metrics").body();
      List<String> attempts =
          metrics
              .lines()
              .filter(line -> line.contains("upstream_request_duration_seconds_count{"))
              .filter(line -> line.contains("\"agent\"") && line.contains("\"unavailable\""))
              .toList();
      assertTrue(attempts.toString().matches("\\[.* 2(\\.0)?\\]"), metrics);
    }
  }

  @Test
  void R10_aRetryUsesANewConnection() throws Exception {
    assumeTrue(TestGateway.isWire());
    CyclicBarrier both = new CyclicBarrier(2);
    AtomicBoolean restarted = new AtomicBoolean();
    try (RawUpstream memory =
            RawUpstream.start(
                connection -> {
                  boolean old = !restarted.get();
                  while (true) {
                    String request = connection.readRequest();
                    if (old && restarted.get()) {
                      connection.reset();
                    }
                    if (old && !request.startsWith("GET /health ")) {
                      both.await(20, TimeUnit.SECONDS);
                    }
                    connection.reply("200 OK", "{\"results\":[],\"total_count\":0}");
                  }
                });
        Fixture setting = Fixture.start(g -> g.with("MEMORY_URL", memory.url()))) {
      Client maria = setting.maria();
      CompletableFuture<HttpReply> one =
          CompletableFuture.supplyAsync(() -> maria.get(Fixture.ITEMS));
      maria.get(Fixture.ITEMS).expect(200);
      one.get(20, TimeUnit.SECONDS).expect(200);
      // Both connections are in the pool, and both are closed.
      restarted.set(true);
      maria.get(Fixture.ITEMS).expect(200);
    }
  }

  @Test
  void callsThatAreTooSlowOpenTheBreaker() {
    try (Fixture setting =
        Fixture.with(
            "MEMORY_URL",
            (c, _) -> c.stallUntilClosed(),
            g ->
                g.yaml("total: 10s", "total: 300ms")
                    .yaml("min_calls: 20", "min_calls: 3")
                    .yaml("min_callers: 3", "min_callers: 1"))) {
      Client maria = setting.maria();
      for (int i = 0; i < 3; i++) {
        maria.get(Fixture.ITEMS).expect(504, "DOWNSTREAM_TIMEOUT");
      }
      maria.get(Fixture.ITEMS).expect(503, "DOWNSTREAM_CIRCUIT_OPEN");
      assertEquals(3, setting.faultyCalls().size());
    }
  }

  private static Fixture withSlowCalls(RawUpstream.Script memory) {
    return Fixture.with(
        "MEMORY_URL",
        (c, _) -> memory.serve(c),
        g ->
            g.yaml("min_calls: 20", "min_calls: 3")
                .yaml("min_callers: 3", "min_callers: 1")
                .yaml("slow_call: 0ms", "slow_call: 100ms"));
  }

  @Test
  void callsThatSucceedButAreSlowOpenTheBreakerWhereThatIsSet() {
    try (Fixture setting =
        withSlowCalls(
            c -> {
              Thread.sleep(150);
              c.reply("200 OK", "{\"results\":[],\"total_count\":0}");
            })) {
      Client maria = setting.maria();
      for (int i = 0; i < 3; i++) {
        maria.get(Fixture.ITEMS).expect(200);
      }
      maria.get(Fixture.ITEMS).expect(503, "DOWNSTREAM_CIRCUIT_OPEN");
      assertEquals(3, setting.faultyCalls().size());
    }
  }

  /** Each client leaves when its call is slow already. */
  @Test
  void aSlowCallThatItsClientHasEndedDoesNotCount() throws Exception {
    assumeTrue(TestGateway.isEdge(), "the JDK's server does not see a client leave");
    AtomicInteger ended = new AtomicInteger();
    AtomicBoolean answers = new AtomicBoolean();
    Semaphore slow = new Semaphore(0);
    try (Fixture setting =
        withSlowCalls(
            c -> {
              if (!answers.get()) {
                Thread.sleep(150);
                slow.release();
                if (c.peerClosed(Duration.ofSeconds(20))) {
                  ended.incrementAndGet();
                }
                return;
              }
              c.reply("200 OK", "{\"results\":[],\"total_count\":0}");
            })) {
      String key = setting.gateway().key(List.of("maria_k"), "elr:read");
      for (int i = 1; i <= 5; i++) {
        RawHttpClient client = new RawHttpClient(setting.gateway().port());
        client.send(
            "GET %s HTTP/1.1\r\nHost: h\r\nX-API-Key: %s\r\n\r\n".formatted(Fixture.ITEMS, key));
        assertTrue(slow.tryAcquire(20, TimeUnit.SECONDS));
        client.socket().setSoLinger(true, 0);
        client.close();
        int left = i;
        Waiting.until(Duration.ofSeconds(10), () -> ended.get() == left);
      }
      answers.set(true);
      setting.maria().get(Fixture.ITEMS).expect(200);
      assertEquals(
          "0.0", setting.gateway().metric("luki_gateway_circuit_open{upstream=\"memory\"}"));
    }
  }

  @Test
  void R10_retriesAreBoundedByABudget() {
    try (Fixture setting =
        Fixture.with(
            "MEMORY_URL",
            (c, _) -> c.reply(UNAVAILABLE, "{}"),
            g -> g.yaml("min_calls: 20", "min_calls: 9999"))) {
      Client maria = setting.maria();
      List<String> items = List.of("a", "b", "c", "d");
      for (int i = 0; i < 25; i++) {
        items.forEach(item -> maria.delete("/v1/elr/items/maria_k_" + item));
      }
      int sent = setting.faultyCalls().size();
      assertTrue(sent > 100 && sent <= 110, sent + " calls for 100 requests");
    }
  }
}
