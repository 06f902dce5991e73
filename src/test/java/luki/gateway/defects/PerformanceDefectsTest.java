package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandInReply;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections are reused, calls run in parallel, and a full service refuses at once. */
@Timeout(60)
class PerformanceDefectsTest {
  private static final String CHAT = "{\"user_id\":\"maria_k\",\"message\":\"garden\"}";
  private static final String ONE_MEMORY =
      """
      {"results":[{"content":"cherries","metadata":{"user_id":"maria_k"},\
      "chunk_id":"maria_k_a","created_at":"2026-11-23T14:42:38"}],"total_count":1}\
      """;

  /** As many as a chat uses, so that they need not be listed. */
  private static String fiveMemories() {
    String one = ONE_MEMORY.substring(ONE_MEMORY.indexOf('[') + 1, ONE_MEMORY.indexOf(']'));
    return "{\"results\":["
        + String.join(",", Collections.nCopies(5, one))
        + "],\"total_count\":5}";
  }

  private static Fixture metrics() {
    return Fixture.with("ENG_URL", (c, _) -> c.reply("200 OK", "{}"));
  }

  @Test
  void P1_sequentialCallsShareAConnection() {
    try (Fixture setting = metrics()) {
      Client maria = setting.maria();
      for (int i = 0; i < 50; i++) {
        maria.get(Fixture.METRICS).expect(200);
      }
      assertEquals(50, setting.faultyCalls().size());
      assertTrue(
          setting.faulty().connections() <= 3, setting.faulty().connections() + " connections");
    }
  }

  @Test
  void P1_parallelCallsReuseConnections() throws Exception {
    int callers = 8;
    try (Fixture setting = metrics();
        ExecutorService threads = Executors.newFixedThreadPool(callers)) {
      Client maria = setting.maria();
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        all.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 25; n++) {
                    maria.get(Fixture.METRICS).expect(200);
                  }
                }));
      }
      for (Future<?> one : all) {
        one.get(40, TimeUnit.SECONDS);
      }
      assertEquals(25 * callers, setting.faultyCalls().size());
      // One for health checks, and a few where no pooled connection was idle at the time.
      int most = 2 * callers + 1;
      assertTrue(
          setting.faulty().connections() <= most, setting.faulty().connections() + " connections");
    }
  }

  @Test
  void P6_aFullServiceRefusesAtOnceWhileOthersReply() throws Exception {
    CountDownLatch arrived = new CountDownLatch(2);
    CountDownLatch release = new CountDownLatch(1);
    try (Fixture setting =
        Fixture.with(
            "ENG_URL",
            (connection, _) -> {
              arrived.countDown();
              release.await(40, TimeUnit.SECONDS);
              connection.reply("200 OK", "{}");
            },
            g -> g.yaml("max_concurrent: 256", "max_concurrent: 2"))) {
      Client maria = setting.maria();
      List<CompletableFuture<HttpReply>> held = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        held.add(CompletableFuture.supplyAsync(() -> maria.get(Fixture.METRICS)));
      }
      assertTrue(arrived.await(20, TimeUnit.SECONDS));
      assertSheds(maria);
      maria.get(Fixture.ITEMS).expect(200);
      maria.get("/v1/tokens/balances/maria_k").expect(200);
      maria.post("/v1/chat", CHAT).expect(200);
      release.countDown();
      for (CompletableFuture<HttpReply> one : held) {
        one.get(20, TimeUnit.SECONDS).expect(200);
      }
      assertEquals(2, setting.faultyCalls().size());
      maria.get(Fixture.METRICS).expect(200);
    }
  }

  private static void assertSheds(Client maria) {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 30; i++) {
      long began = System.nanoTime();
      HttpReply shed = maria.get(Fixture.METRICS);
      best = Math.min(best, System.nanoTime() - began);
      assertEquals(503, shed.status(), shed.body());
      assertEquals("OVERLOADED", shed.code());
      assertEquals(Optional.of("1"), shed.header("Retry-After"));
    }
    assertTrue(best < Duration.ofMillis(100).toNanos(), best + " ns");
  }

  @Test
  void P6_aStreamBeyondTheLimitIsRefusedAtOnce() {
    CountDownLatch release = new CountDownLatch(1);
    try (Fixture setting =
        Fixture.with(
            "AGENT_URL",
            (connection, _) -> {
              connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
              connection.send("data: {\"token\": \"a\"}\n\n");
              release.await(40, TimeUnit.SECONDS);
              connection.send("data: {\"done\": true}\n\n");
              connection.close();
            },
            g -> g.yaml("max_open: 8192", "max_open: 1"))) {
      Client maria = setting.maria();
      CompletableFuture<HttpReply> first =
          CompletableFuture.supplyAsync(() -> maria.post("/v1/chat/stream", CHAT));
      Waiting.until(Duration.ofSeconds(20), () -> setting.faultyCalls().size() == 1);
      maria.post("/v1/chat/stream", CHAT).expect(503, "OVERLOADED");
      release.countDown();
      assertTrue(first.join().body().contains("event: done"), first.join().body());
      HttpReply third =
          Waiting.until(
              Duration.ofSeconds(10),
              () -> maria.post("/v1/chat/stream", CHAT),
              answer -> answer.status() == 200);
      assertTrue(third.body().contains("event: done"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/chat", "/v1/chat/stream"})
  void P7_consentAndMemoriesAreCalledInParallel(String path) {
    CyclicBarrier both = new CyclicBarrier(2);
    try (RawUpstream security = meeting(both, "{\"allowed\":true}");
        RawUpstream memory = meeting(both, ONE_MEMORY);
        Fixture setting =
            Fixture.start(
                g ->
                    g.with("SECURITY_URL", security.url())
                        .with("MEMORY_URL", memory.url())
                        .yaml("memory_deadline: 1500ms", "memory_deadline: 10s")
                        .yaml("total: 2s", "total: 10s"))) {
      HttpReply answer = setting.maria().post(path, CHAT);
      assertTrue(answer.body().contains("\"memory\":\"used\""), answer.body());
    }
  }

  /** Replies to the first call only after the other service was called too. */
  private static RawUpstream meeting(CyclicBarrier both, String json) {
    AtomicBoolean met = new AtomicBoolean();
    return Fixture.faulty(
        (connection, _) -> {
          if (met.compareAndSet(false, true)) {
            both.await(9, TimeUnit.SECONDS);
          }
          connection.reply("200 OK", json);
        });
  }

  @Test
  void P7_chatWaitsForTheSlowerCallAndNotForTheSum() {
    try (Fixture setting = Fixture.start()) {
      Client maria = setting.maria();
      Duration wait = Duration.ofMillis(600);
      setting
          .services()
          .override(
              "security",
              "POST",
              "/policy",
              StandInReply.json(200, "{\"allowed\":true}").after(wait));
      setting
          .services()
          .override(
              "memory", "POST", "/search", StandInReply.json(200, fiveMemories()).after(wait));
      long best = Long.MAX_VALUE;
      for (int i = 0; i < 3; i++) {
        long began = System.nanoTime();
        assertEquals("used", memoryOf(maria.post("/v1/chat", CHAT)));
        best = Math.min(best, System.nanoTime() - began);
      }
      assertTrue(best < Duration.ofMillis(1100).toNanos(), best + " ns");
    }
  }

  private static String memoryOf(HttpReply answer) {
    assertEquals(200, answer.status(), answer.body());
    return answer.json().at("meta").at("memory").string();
  }

  @Test
  void P7_aChatContinuesWithoutMemoriesAndSaysWhy() {
    try (Fixture setting =
        Fixture.start(g -> g.yaml("memory_deadline: 1500ms", "memory_deadline: 400ms"))) {
      Client maria = setting.maria();
      assertEquals("none", memoryOf(maria.post("/v1/chat", CHAT)));
      maria.post("/v1/elr/items", "{\"user_id\":\"maria_k\",\"text\":\"cherries in the garden\"}");
      assertEquals("used", memoryOf(maria.post("/v1/chat", CHAT)));
      assertTrue(setting.calls("agent").getLast().body().contains("cherries"));
      for (String service : List.of("memory", "security")) {
        for (StandInReply fault :
            List.of(
                StandInReply.json(200, "{\"allowed\":true,\"results\":[]}")
                    .after(Duration.ofSeconds(9)),
                StandInReply.json(500, "{}"),
                StandInReply.json(200, "nonsense"))) {
          setting.services().override(service, "POST", "/", fault);
          assertEquals("unavailable", memoryOf(maria.post("/v1/chat", CHAT)), service);
          assertFalse(setting.calls("agent").getLast().body().contains("memory_context"));
          setting.services().clearOverrides();
        }
      }
      setting.revoke("maria_k", "elr_memories");
      assertEquals("denied", memoryOf(maria.post("/v1/chat", CHAT)));
      assertFalse(setting.calls("agent").getLast().body().contains("cherries"));
    }
  }

  @Test
  void P7_aChatContinuesWithoutAMemoryOrPolicyService() {
    for (String service : List.of("memory", "security")) {
      try (Fixture setting = Fixture.without(service)) {
        assertEquals("unavailable", memoryOf(setting.maria().post("/v1/chat", CHAT)));
      }
    }
  }
}
