package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What each of the health routes reports. */
@Timeout(60)
class HealthDefectsTest {

  private static HttpReply health(Fixture setting, String status) {
    return Waiting.until(
        () -> setting.stranger().get("/health"),
        answer -> answer.json().at("status").string("").equals(status) && settled(answer));
  }

  private static boolean settled(HttpReply answer) {
    return !answer.json().at("checks").toString().contains("unknown");
  }

  private static String check(HttpReply health, String service) {
    return health.json().at("checks").at(service).at("status").string();
  }

  private static void assertNoAddress(Fixture setting, HttpReply answer) {
    for (String url : setting.services().urls().values()) {
      assertFalse(answer.body().contains(url.substring(url.lastIndexOf(':') + 1)), answer.body());
    }
    assertFalse(answer.body().contains("127.0.0.1"), answer.body());
    assertFalse(answer.body().contains("http"), answer.body());
  }

  @Test
  void R12_healthyWhenEveryServiceIsUp() {
    try (Fixture setting = Fixture.start()) {
      HttpReply health = health(setting, "healthy").expect(200);
      assertEquals("luki-api-gateway", health.json().at("service").string());
      assertFalse(health.json().at("version").string("").isBlank());
      for (String service :
          List.of(
              "agent", "memory", "cognitive", "engagement", "reporting", "security", "tokens")) {
        assertEquals("up", check(health, service), health.body());
      }
      assertEquals("not_configured", check(health, "redis"));
      assertNoAddress(setting, health);
    }
  }

  @Test
  void R12_oneServiceDownIsDegradedButReady() {
    try (Fixture setting = Fixture.start(g -> g.with("ENG_URL", Processes.unusedUrl()))) {
      HttpReply health = health(setting, "degraded").expect(200);
      assertEquals("down", check(health, "engagement"));
      assertEquals("up", check(health, "memory"));
      assertNoAddress(setting, health);
      setting.stranger().get("/readyz").expect(200);
      setting.stranger().get("/healthz").expect(200);
    }
  }

  @Test
  void R12_agentAndMemoryDownIsUnhealthyButReady() {
    try (Fixture setting =
        Fixture.start(
            g ->
                g.with("AGENT_URL", Processes.unusedUrl())
                    .with("MEMORY_URL", Processes.unusedUrl()))) {
      HttpReply health = health(setting, "unhealthy").expect(503);
      assertEquals("down", check(health, "agent"));
      setting.stranger().get("/readyz").expect(200);
      setting.stranger().get("/healthz").expect(200);
    }
  }

  @Test
  void R12_agentAloneDownIsDegraded() {
    try (Fixture setting = Fixture.start(g -> g.with("AGENT_URL", Processes.unusedUrl()))) {
      health(setting, "degraded").expect(200);
    }
  }

  /** The agent's health check needs no secret, so it alone would say that all is well. */
  @Test
  void aRefusedSecretOfTheAgentIsRefusedUntilItIsAccepted() {
    try (Fixture setting = Fixture.start(g -> g.with("AGENT_INTERNAL_SECRET", "old"))) {
      Client maria = setting.maria();
      setting.services().secret("new");
      maria.post("/v1/chat", Fixture.CHAT).expect(502, "DOWNSTREAM_REFUSED");
      HttpReply health = health(setting, "degraded").expect(200);
      assertEquals("refused", check(health, "agent"));
      assertEquals("up", check(health, "memory"));

      setting.services().secret("old");
      maria.post("/v1/chat", Fixture.CHAT).expect(200);
      assertEquals("up", check(health(setting, "healthy"), "agent"));

      setting.services().secret("new");
      maria.post("/v1/chat/stream", Fixture.CHAT).expect(502, "DOWNSTREAM_REFUSED");
      assertEquals("refused", check(health(setting, "degraded"), "agent"));
    }
  }

  @Test
  void aDenialOfConsentIsNoRefusal() {
    try (Fixture setting = Fixture.start()) {
      Client maria = setting.maria();
      setting.revoke(Fixture.MARIA, "elr_memories");
      maria.post("/v1/elr/search", Fixture.SEARCH).expect(403, "CONSENT_DENIED");
      assertEquals("up", check(health(setting, "healthy"), "security"));
    }
  }

  @Test
  void R12_aServiceThatIsNotConfiguredIsNotAFault() {
    try (Fixture setting = Fixture.without("tokens", "memory")) {
      HttpReply health = health(setting, "healthy");
      assertEquals("not_configured", check(health, "tokens"));
      assertEquals("not_configured", check(health, "memory"));
    }
  }

  @Test
  void R12_aServiceThatReportsHealthyButFailsIsDown() {
    try (Fixture setting = Fixture.start(g -> g.yaml("open: 2s", "open: 60s"))) {
      health(setting, "healthy");
      setting.reply("memory", "DELETE", "/delete", 503, "{}");
      Client[] callers = {setting.maria(), setting.maria(), setting.maria()};
      for (int i = 0; i < 20; i++) {
        callers[i % 3].delete("/v1/elr/items/maria_k_a");
      }
      HttpReply health = setting.stranger().get("/health");
      assertEquals("down", check(health, "memory"), health.body());
      assertEquals("degraded", health.json().at("status").string());
    }
  }

  @Test
  void R12_healthRoutesNeedNoCredentialAndIgnoreABadOne() {
    try (Fixture setting = Fixture.start()) {
      Client forger = setting.withKey("abcdefghij");
      for (String path : List.of("/health", "/healthz", "/readyz")) {
        assertEquals(200, forger.get(path).status(), path);
        assertEquals(200, setting.stranger().get(path).status(), path);
      }
    }
  }

  @Test
  void R12_aDrainTurnsReadinessOffAndLetsRequestsInFlightFinish() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    try (Fixture setting =
        Fixture.with(
            "MEMORY_URL",
            (connection, _) -> {
              arrived.countDown();
              release.await(30, TimeUnit.SECONDS);
              connection.reply("200 OK", "{\"results\":[],\"total_count\":0}");
            })) {
      Client maria = setting.maria();
      setting.stranger().get("/readyz").expect(200);
      CompletableFuture<HttpReply> inFlight =
          CompletableFuture.supplyAsync(() -> maria.get(Fixture.ITEMS));
      assertTrue(arrived.await(20, TimeUnit.SECONDS));
      CompletableFuture<Void> drained = CompletableFuture.runAsync(() -> drain(setting));
      Waiting.until(() -> setting.stranger().get("/readyz").status() == 503);
      assertRefusesNewRequests(setting, maria);
      release.countDown();
      inFlight.get(20, TimeUnit.SECONDS).expect(200);
      drained.get(20, TimeUnit.SECONDS);
    }
  }

  /** Balancers see the 503 of /readyz while what they still send is served. */
  @Test
  void duringTheDrainDelayRequestsAreStillAccepted() throws Exception {
    try (Fixture setting = Fixture.start(g -> g.with("DRAIN_DELAY_S", "2"))) {
      Client maria = setting.maria();
      CompletableFuture<Void> drained = CompletableFuture.runAsync(() -> drain(setting));
      Waiting.until(() -> setting.stranger().get("/readyz").status() == 503);
      assertEquals("DRAINING", setting.stranger().get("/readyz").code());
      maria.get(Fixture.METRICS).expect(200);
      assertFalse(drained.isDone());
      drained.get(20, TimeUnit.SECONDS);
    }
  }

  private static void drain(Fixture setting) {
    try {
      setting.gateway().drain();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void assertRefusesNewRequests(Fixture setting, Client maria) {
    assertEquals("DRAINING", setting.stranger().get("/readyz").code());
    setting.stranger().get("/healthz").expect(200);
    setting.stranger().get("/health").expect(200);
    HttpReply refused = maria.get(Fixture.METRICS).expect(503, "DRAINING");
    assertEquals(Optional.of("1"), refused.header("Retry-After"));
    assertEquals(Optional.of("close"), refused.header("Connection"));
    assertEquals(List.of(), setting.calls("engagement"));
  }

  @Test
  void R12_theTextOfAServicesHealthIsNotPassedOn() {
    try (RawUpstream agent =
            RawUpstream.replying("500 Internal Server Error", "{\"detail\":\"leak\"}");
        Fixture setting = Fixture.start(g -> g.with("AGENT_URL", agent.url()))) {
      HttpReply health = health(setting, "degraded");
      Json checks = health.json().at("checks");
      assertEquals("{\"status\":\"down\"}", checks.at("agent").toString());
      assertFalse(health.body().contains("leak"));
    }
  }
}
