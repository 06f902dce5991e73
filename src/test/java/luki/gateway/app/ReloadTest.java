package luki.gateway.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Processes;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import luki.gateway.tokens.DevIssuer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contract, roles, plans and services change while the gateway runs; what it has counted,
 * opened or kept stays.
 */
@Timeout(60)
class ReloadTest {
  private static final String PHASES = "/v1/cognitive/life-story/phases";
  private static final String OF_PATIENTS = "    - cognitive:read\n    - cognitive:write\n";
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @TempDir Path directory;

  private Path contract;

  @BeforeEach
  void copyContract() throws IOException {
    contract = Files.copy(Path.of("config/openapi.yaml"), directory.resolve("openapi.yaml"));
  }

  private TestGateway.Builder own(TestGateway.Builder builder) {
    return builder.with("OPENAPI_FILE", contract.toString());
  }

  private static void checkReloaded(TestGateway gateway, double applied, double refused) {
    assertEquals(
        List.of(applied, refused), List.of(gateway.reloads("applied"), gateway.reloads("refused")));
  }

  @Test
  void aChangedRoleAppliesToKeysAndTokensThatWereUsedBefore() throws Exception {
    try (Fixture setting = Fixture.start(this::own)) {
      TestGateway gateway = setting.gateway();
      Client key = setting.withKey(gateway.keyWithRole(List.of("maria_k"), "patient"));
      Json claims =
          Json.object()
              .put("iss", "dev")
              .put("aud", "luki-gateway")
              .put("sub", "maria_k")
              .put("roles", Json.strings(List.of("patient")))
              .put("exp", System.currentTimeMillis() / 1000 + 600)
              .build();
      Path file = DevIssuer.fileBeside(Path.of(gateway.keyFile()));
      Client token = setting.withKey(DevIssuer.ofFile(file).sign(claims));
      key.get(PHASES).expect(200);
      token.get(PHASES).expect(200);
      gateway.edit(OF_PATIENTS, "");
      gateway.reload();
      key.get(PHASES).expect(403, "FORBIDDEN");
      token.get(PHASES).expect(403, "FORBIDDEN");
      gateway.edit("roles:\n  patient:\n", "roles:\n  patient:\n" + OF_PATIENTS);
      gateway.reload();
      key.get(PHASES).expect(200);
      token.get(PHASES).expect(200);
      checkReloaded(gateway, 2, 0);
    }
  }

  @Test
  void aChangedPlanAppliesAndWhatTheCallerHasUsedStays() {
    try (Fixture setting = Fixture.start(this::own)) {
      TestGateway gateway = setting.gateway();
      String key = gateway.keyOfPlan("family", List.of("maria_k"), "chat:write", "usage:read");
      Client maria = setting.withKey(key);
      HttpReply before = maria.post("/v1/chat", Fixture.CHAT).expect(200);
      assertEquals("\"user\";q=60;w=60", before.header("RateLimit-Policy").orElse(""));
      gateway.edit("per_minute: 60\n    burst: 30", "per_minute: 90\n    burst: 45");
      gateway.edit("chat_messages: {day: 500,", "chat_messages: {day: 2,");
      gateway.reload();
      HttpReply after = maria.post("/v1/chat", Fixture.CHAT).expect(200);
      assertEquals("\"user\";q=90;w=60", after.header("RateLimit-Policy").orElse(""));
      maria.post("/v1/chat", Fixture.CHAT).expect(429, "QUOTA_EXCEEDED");
      Json usage = maria.get("/v1/usage").expect(200).json();
      Json messages =
          usage.at("quotas").items().stream()
              .filter(quota -> quota.at("meter").string("").equals("chat_messages"))
              .filter(quota -> quota.at("window").string("").equals("day"))
              .findFirst()
              .orElseThrow();
      assertEquals("2", messages.at("limit").toString());
      assertEquals("2", messages.at("used").toString());
    }
  }

  @Test
  void aChangedRouteIsEnforcedAndPublished() {
    try (Fixture setting = Fixture.start(this::own)) {
      Client maria = setting.maria();
      String tag = setting.stranger().get("/openapi.json").expect(200).header("ETag").orElseThrow();
      TestGateway.edit(
          contract, "  /v1/cognitive/life-story/phases:", "  /v1/cognitive/life-story/stages:");
      TestGateway.edit(contract, "title: LUKi API\n", "title: LUKi API of today\n");
      setting.gateway().reload();
      maria.get(PHASES).expect(404);
      setting.reply("cognitive", "GET", "/life-story/stages", 200, "{\"phases\":[]}");
      maria.get("/v1/cognitive/life-story/stages").expect(200);
      HttpReply published = setting.stranger().get("/openapi.json", "If-None-Match", tag);
      assertTrue(published.expect(200).body().contains("/v1/cognitive/life-story/stages"));
      assertTrue(setting.stranger().get("/docs").expect(200).body().contains("LUKi API of today"));
      setting.stranger().get("/console").expect(200);
    }
  }

  @Test
  void aChangedDeadlineApplies() {
    try (Fixture setting =
        Fixture.with(
            "COG_URL",
            (connection, _) -> connection.stallUntilClosed(),
            builder ->
                own(builder).yaml("cognitive:\n    connect: 1s", "cognitive:\n    connect: 2s"))) {
      TestGateway gateway = setting.gateway();
      gateway.edit(
          "    connect: 2s\n    total: 30s\n    max_concurrent: 256",
          "    connect: 1s\n    total: 100ms\n    max_concurrent: 256");
      gateway.reload();
      setting.maria().get(PHASES).expect(504, "DOWNSTREAM_TIMEOUT");
    }
  }

  @Test
  void anOpenBreakerStaysOpen() {
    try (Fixture setting =
        Fixture.start(
            builder ->
                own(builder).with("COG_URL", Processes.unusedUrl()).yaml("open: 2s", "open: 1m"))) {
      Client maria = setting.maria();
      Waiting.until(LIMIT, () -> maria.get(PHASES), reply -> reply.body().contains("CIRCUIT_OPEN"));
      setting.gateway().edit(OF_PATIENTS, "");
      setting.gateway().reload();
      checkReloaded(setting.gateway(), 1, 0);
      maria.get(PHASES).expect(503, "DOWNSTREAM_CIRCUIT_OPEN");
      String open = setting.gateway().metric("luki_gateway_circuit_open{upstream=\"cognitive\"}");
      assertEquals("1.0", open);
    }
  }

  @Test
  void aKeptReplyIsReplayedAfterwards() {
    try (Fixture setting = Fixture.start(this::own)) {
      Client maria = setting.maria();
      String[] key = {"Idempotency-Key", "\"before-and-after\""};
      HttpReply first = maria.post("/v1/elr/ingest_text", Fixture.MEMORY, key).expect(201);
      setting.gateway().reload();
      HttpReply again = maria.post("/v1/elr/ingest_text", Fixture.MEMORY, key).expect(201);
      assertEquals("true", again.header("Idempotent-Replayed").orElse(""));
      assertEquals(first.body(), again.body());
    }
  }

  @Test
  void aStreamInFlightGoesOnAsItBegan() throws Exception {
    CountDownLatch reloaded = new CountDownLatch(1);
    try (Fixture setting =
        Fixture.with(
            "AGENT_URL",
            (connection, _) -> {
              connection.send(
                  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                      + "data: {\"token\": \"A\"}\n\n");
              reloaded.await();
              connection.send("data: {\"token\": \"B\"}\n\ndata: {\"done\": true}\n\n");
              connection.close();
            },
            this::own)) {
      TestGateway gateway = setting.gateway();
      String key = gateway.key(List.of("maria_k"), "chat:write");
      try (ChatStream stream = ChatStream.open(gateway, key)) {
        assertEquals(200, stream.status());
        assertTrue(stream.reaches("A"));
        TestGateway.edit(contract, "  /v1/chat/stream:", "  /v1/chat/flow:");
        gateway.edit("first_event: 60s", "first_event: 1ms");
        gateway.edit("between_events: 120s", "between_events: 1ms");
        gateway.reload();
        setting.withKey(key).post("/v1/chat/stream", Fixture.CHAT).expect(404);
        reloaded.countDown();
        String rest = stream.rest();
        assertTrue(rest.contains("B") && rest.contains("event: done"), rest);
      }
      // Its client may have the last event before the gateway has counted its end.
      Waiting.until(
          Duration.ofSeconds(5), () -> gateway.metric("luki_gateway_streams"), "0.0"::equals);
    }
  }

  @Test
  void aCriticalFindingIsRefused() throws Exception {
    try (Fixture setting = Fixture.start(this::own)) {
      TestGateway gateway = setting.gateway();
      Client maria = setting.withKey(gateway.keyWithRole(List.of("maria_k"), "patient"));
      Files.writeString(Path.of(gateway.keyFile()), "{");
      gateway.edit(OF_PATIENTS, "");
      gateway.reload();
      maria.get(PHASES).expect(200);
      checkReloaded(gateway, 0, 1);
    }
  }

  @Test
  void theAuditTrailNamesThePolicyThatDecided() throws Exception {
    Path audit = directory.resolve("audit");
    try (Fixture setting =
        Fixture.start(builder -> own(builder).with("AUDIT_FILE", audit.toString()))) {
      Client maria = setting.withKey(setting.gateway().key(List.of("maria_k"), "chat:write"));
      maria.get(PHASES).expect(403);
      setting.gateway().edit(OF_PATIENTS, "");
      setting.gateway().reload();
      maria.get(PHASES).expect(403);
      List<String> records = Waiting.until(LIMIT, () -> lines(audit), all -> all.size() == 2);
      Set<String> policies = new HashSet<>();
      for (String entry : records) {
        policies.add(Json.parse(entry.getBytes(StandardCharsets.UTF_8)).at("policy").string());
      }
      assertEquals(2, policies.size(), records.toString());
    }
  }

  private static List<String> lines(Path file) throws IOException {
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  @Test
  void aChangedFileIsNoticedUnlessTheSettingIsZero() {
    try (Fixture off = Fixture.start(builder -> own(builder).with("CONFIG_POLL_S", "0"));
        Fixture on = Fixture.start(builder -> own(builder).with("CONFIG_POLL_S", "1"))) {
      TestGateway.edit(contract, "title: LUKi API\n", "title: LUKi API of today\n");
      Waiting.until(LIMIT, () -> on.gateway().reloads("applied"), count -> count == 1);
      assertTrue(on.stranger().get("/docs").body().contains("LUKi API of today"));
      checkReloaded(off.gateway(), 0, 0);
      TestGateway.edit(contract, "openapi: 3.1", "openapi: [3.1");
      Waiting.until(LIMIT, () -> on.gateway().reloads("refused"), count -> count == 1);
      assertTrue(on.stranger().get("/docs").body().contains("LUKi API of today"));
      checkReloaded(on.gateway(), 1, 1);
    }
  }

  @Test
  @Timeout(180)
  void aHundredReloadsUnderLoadFailNoRequest() throws Exception {
    try (Fixture setting = Fixture.start(builder -> own(builder).with("CONFIG_POLL_S", "0"))) {
      TestGateway gateway = setting.gateway();
      Client maria = setting.withKey(gateway.keyWithRole(List.of("maria_k"), "patient"));
      AtomicBoolean over = new AtomicBoolean();
      AtomicInteger answered = new AtomicInteger();
      Queue<String> failed = new ConcurrentLinkedQueue<>();
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        callers.add(
            Thread.startVirtualThread(
                () -> {
                  while (!over.get()) {
                    HttpReply reply = maria.get(PHASES);
                    answered.incrementAndGet();
                    if (reply.status() != 200) {
                      failed.add(reply.status() + " " + reply.body());
                    }
                  }
                }));
      }
      for (int i = 0; i < 50; i++) {
        gateway.edit("max_concurrent: 256", "max_concurrent: 255");
        gateway.reload();
        gateway.edit("max_concurrent: 255", "max_concurrent: 256");
        gateway.reload();
      }
      over.set(true);
      for (Thread caller : callers) {
        caller.join();
      }
      assertEquals(List.of(), List.copyOf(failed));
      assertTrue(answered.get() > 100, answered + " requests");
      checkReloaded(gateway, 100, 0);
      // No line of the log and no count is lost.
      Waiting.until(LIMIT, () -> linesOf(gateway, PHASES), count -> count == answered.get());
      String series =
          "http_server_request_duration_seconds_count{http_request_method=\"GET\","
              + "http_response_status_code=\"200\",http_route=\""
              + PHASES
              + "\"}";
      assertEquals(answered.get(), Double.parseDouble(gateway.metric(series)));
    }
  }

  private static long linesOf(TestGateway gateway, String route) {
    return gateway.log().stream().filter(line -> line.contains(route)).count();
  }

  @Test
  void sighupReloadsAndAFileWithProblemsChangesNothingAndEachIsLogged() throws Exception {
    Path file = Files.copy(Path.of("config/gateway.yaml"), directory.resolve("gateway.yaml"));
    Map<String, String> variables =
        Map.of(
            "GATEWAY_CONFIG", file.toString(),
            "OPENAPI_FILE", contract.toString(),
            "CONFIG_POLL_S", "0");
    try (GatewayProcess gateway = GatewayProcess.start(directory, List.of(), variables)) {
      TestGateway.edit(contract, "title: LUKi API\n", "title: LUKi API of today\n");
      hangUp(gateway, "the configuration is reloaded");
      assertTrue(gateway.stranger().get("/docs").body().contains("LUKi API of today"));
      TestGateway.edit(file, "  deadline: 10s", "  deadline: soon");
      TestGateway.edit(file, "  percent: 25", "  percentage: 25");
      TestGateway.edit(contract, "title: LUKi API of today\n", "title: LUKi API of tomorrow\n");
      hangUp(gateway, "the configuration is not reloaded");
      List<String> problems =
          Waiting.until(
              LIMIT,
              () -> gateway.err().lines().filter(line -> line.contains("not reloaded")).toList(),
              lines -> lines.size() == 2);
      assertTrue(
          problems.stream().anyMatch(line -> line.contains("gateway.yaml:")), problems.toString());
      assertTrue(
          problems.stream().anyMatch(line -> line.contains("/routes/deadline")),
          problems.toString());
      assertTrue(
          problems.stream().anyMatch(line -> line.contains("percentage")), problems.toString());
      assertTrue(gateway.stranger().get("/docs").body().contains("LUKi API of today"));
      String metrics = gateway.stranger().get("/metrics").body();
      assertTrue(metrics.contains("luki_gateway_config_reloads_total{outcome=\"refused\"} 1.0"));
      assertFalse(metrics.contains("config_last_success_timestamp_seconds 0.0"));
      TestGateway.edit(file, "  deadline: soon", "  deadline: 10s");
      TestGateway.edit(file, "  percentage: 25", "  percent: 25");
      hangUp(gateway, "the configuration is reloaded");
      Waiting.until(
          LIMIT, () -> gateway.stranger().get("/docs").body().contains("LUKi API of tomorrow"));
    }
  }

  private static void hangUp(GatewayProcess gateway, String answer) throws Exception {
    long before = gateway.err().lines().filter(line -> line.contains(answer)).count();
    String pid = Long.toString(gateway.process().pid());
    assertEquals(0, new ProcessBuilder("kill", "-HUP", pid).start().waitFor());
    Waiting.until(
        LIMIT, () -> gateway.err().lines().filter(line -> line.contains(answer)).count() > before);
  }
}
