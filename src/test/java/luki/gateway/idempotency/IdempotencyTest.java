package luki.gateway.idempotency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.json.Json;
import luki.gateway.keys.ApiKeyText;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A request with an Idempotency-Key is processed once; replies in memory and in Redis. */
@Timeout(60)
class IdempotencyTest {
  private static final String KEY = "Idempotency-Key";
  private static final String REPLAYED = "Idempotent-Replayed";
  private static final String PATH = "/v1/engagement/interactions";
  private static final String BODY = "{\"user_id\":\"maria_k\",\"interaction_type\":\"chat\"}";
  private static final String WELLBEING = "/v1/reporting/reports/maria_k/wellbeing";
  @AutoClose private static final RedisProcess REDIS = RedisProcess.start("--appendfsync", "no");

  private final AtomicInteger calls = new AtomicInteger();

  private static TestGateway.Builder store(TestGateway.Builder gateway, boolean shared) {
    return shared
        ? gateway.with("REDIS_URL", REDIS.url()).yaml("redis_deadline: 20ms", "redis_deadline: 3s")
        : gateway;
  }

  /** With a service whose replies differ. */
  private Fixture counting(boolean shared) {
    return Fixture.with(
        "ENG_URL",
        (connection, _) ->
            connection.reply("200 OK", "{\"n\":%d}".formatted(calls.incrementAndGet())),
        gateway -> store(gateway, shared).with("RATE_LIMIT_PER_MIN", "600"));
  }

  /** With a service that answers with these statuses in turn, then with 200. */
  private Fixture failing(boolean shared, String... statuses) {
    return Fixture.with(
        "ENG_URL",
        (connection, _) -> {
          int n = calls.getAndIncrement();
          connection.reply(n < statuses.length ? statuses[n] : "200 OK", "{\"n\":1}");
        },
        gateway -> store(gateway, shared));
  }

  private static HttpReply post(Client client, String key) {
    return client.post(PATH, BODY, KEY, key);
  }

  private static HttpReply replayed(HttpReply reply) {
    assertEquals("true", reply.header(REPLAYED).orElse("no"), reply::toString);
    return reply;
  }

  private static HttpReply notReplayed(HttpReply reply) {
    assertTrue(reply.header(REPLAYED).isEmpty(), reply::toString);
    return reply;
  }

  private static void assertCounted(TestGateway gateway, String outcome, String count) {
    String sample = "luki_gateway_idempotency_total{outcome=\"" + outcome + "\"}";
    assertEquals(count, gateway.metric(sample), outcome);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRepeatGetsTheFirstReplyWithIdsAndLimitsOfItsOwn(boolean shared) {
    try (Fixture setting = counting(shared)) {
      Client maria = setting.maria();
      HttpReply first = notReplayed(post(maria, "\"k-1\"").expect(200));
      // Without quotes it is the same key.
      HttpReply second = replayed(post(maria, "k-1").expect(200));
      assertEquals("{\"n\":1}", second.body());
      assertEquals(first.only("Content-Type"), second.only("Content-Type"));
      assertEquals("{\"n\":2}", notReplayed(post(maria, "k-2").expect(200)).body());
      assertEquals("{\"n\":3}", notReplayed(maria.post(PATH, BODY).expect(200)).body());
      assertNotEquals(first.only("X-Trace-Id"), second.only("X-Trace-Id"));
      assertNotEquals(first.only("X-Request-Id"), second.only("X-Request-Id"));
      assertTrue(second.only("RateLimit").startsWith("\"user\";r="), second::toString);
      String line = setting.gateway().awaitLog(2).get(1);
      assertTrue(line.contains("\"upstream\":null"), line);
      assertCounted(setting.gateway(), "new", "2.0");
      assertCounted(setting.gateway(), "replayed", "1.0");
      maria.post(PATH, BODY.replace("chat", "other"), KEY, "k-1").expect(422);
      assertCounted(setting.gateway(), "mismatch", "1.0");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "false,400 Bad Request,400,DOWNSTREAM_REJECTED",
    "true,404 Not Found,404,NOT_FOUND",
    "false,409 Conflict,409,DOWNSTREAM_CONFLICT",
    "true,409 Conflict,409,DOWNSTREAM_CONFLICT"
  })
  void anErrorIsRepeatedWithATraceIdOfItsOwn(boolean shared, String status, int ours, String code) {
    try (Fixture setting = failing(shared, status)) {
      Client maria = setting.maria();
      HttpReply first = notReplayed(post(maria, "k").expect(ours, code));
      HttpReply second = replayed(post(maria, "k").expect(ours, code));
      assertEquals(first.header("Retry-After"), second.header("Retry-After"));
      Json error = second.json().at("error");
      assertEquals(second.only("X-Trace-Id"), error.at("trace_id").string(""));
      assertNotEquals(first.only("X-Trace-Id"), second.only("X-Trace-Id"));
      assertEquals(first.json().at("error").at("message"), error.at("message"));
      assertEquals(1, calls.get());
      String line = setting.gateway().awaitLog(2).get(1);
      assertTrue(line.contains("\"error_code\":\"" + code + "\""), line);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void afterAFailureOrABusyServiceTheKeyCanBeUsedAgain(boolean shared) {
    try (Fixture setting = failing(shared, "500 Oops", "429 Slow down", "401 Who")) {
      Client maria = setting.maria();
      post(maria, "k").expect(502, "DOWNSTREAM_ERROR");
      // Also with another payload: nothing is known of the key.
      String other = "{\"user_id\":\"maria_k\",\"interaction_type\":\"other\"}";
      maria.post(PATH, other, KEY, "k").expect(429, "DOWNSTREAM_BUSY");
      post(maria, "k").expect(502, "DOWNSTREAM_REFUSED");
      notReplayed(post(maria, "k").expect(200));
      replayed(post(maria, "k").expect(200));
      assertEquals(4, calls.get());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aKeyIsForOneRequestOfOneCaller(boolean shared) throws Exception {
    try (Fixture setting = counting(shared)) {
      String secret = setting.gateway().key(List.of("*"), Fixture.SCOPES.toArray(String[]::new));
      Client maria = setting.withKey(secret);
      post(maria, "k").expect(200);
      String other = "{\"user_id\":\"maria_k\",\"interaction_type\":\"other\"}";
      maria.post(PATH, other, KEY, "k").expect(422, "IDEMPOTENCY_MISMATCH");
      String chat = "/v1/cognitive/analyze/";
      maria.post(chat + "maria_k", "{}", KEY, "k").expect(422, "IDEMPOTENCY_MISMATCH");
      maria.post(chat + "maria_k", "{}", KEY, "path").expect(200);
      maria.post(chat + "anna", "{}", KEY, "path").expect(422, "IDEMPOTENCY_MISMATCH");
      maria.post(WELLBEING + "?days=7", null, KEY, "query").expect(200);
      maria.post(WELLBEING + "?days=8", null, KEY, "query").expect(422, "IDEMPOTENCY_MISMATCH");
      replayed(maria.post(WELLBEING + "?days=7", null, KEY, "query").expect(200));
      assertEquals(1, calls.get());

      notReplayed(post(setting.maria(), "k").expect(200));
      String id = ApiKeyText.parse(secret).orElseThrow().id();
      String rotated = setting.gateway().keys().rotate(id, Duration.ofHours(1)).reveal();
      setting.gateway().refreshKeys();
      replayed(post(setting.withKey(rotated), "k").expect(200));
      assertEquals(2, calls.get());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void ofParallelDuplicatesOneIsProcessedAndTheOthersAreConflicts(boolean shared) throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    try (Fixture setting =
            Fixture.with(
                "ENG_URL",
                (connection, _) -> {
                  calls.incrementAndGet();
                  called.countDown();
                  assertTrue(answer.await(20, TimeUnit.SECONDS));
                  connection.reply("200 OK", "{\"n\":1}");
                },
                gateway -> store(gateway, shared));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Client maria = setting.maria();
      Future<HttpReply> first = threads.submit(() -> post(maria, "k"));
      assertTrue(called.await(20, TimeUnit.SECONDS));
      List<Future<HttpReply>> others = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        others.add(threads.submit(() -> post(maria, "k")));
      }
      for (Future<HttpReply> other : others) {
        HttpReply conflict = other.get().expect(409, "IDEMPOTENCY_IN_PROGRESS");
        assertEquals("1", conflict.only("Retry-After"));
      }
      assertCounted(setting.gateway(), "in_progress", "8.0");
      maria
          .post(PATH, "{\"user_id\":\"maria_k\",\"interaction_type\":\"x\"}", KEY, "k")
          .expect(422, "IDEMPOTENCY_MISMATCH");
      answer.countDown();
      first.get().expect(200);
      replayed(post(maria, "k").expect(200));
      assertEquals(1, calls.get());
    }
  }

  @ParameterizedTest
  @CsvSource({"false,false", "false,true", "true,false"})
  void aClientThatLeftGetsTheFirstReplyAndPaysForItOnce(boolean shared, boolean reset)
      throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    String chat = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
    try (Fixture setting =
            Fixture.with(
                "AGENT_URL",
                (connection, _) -> {
                  calls.incrementAndGet();
                  called.countDown();
                  assertTrue(answer.await(20, TimeUnit.SECONDS));
                  connection.reply("200 OK", "{\"response\":\"Hello\",\"metadata\":{}}");
                },
                gateway -> store(gateway, shared));
        RawHttpClient client = new RawHttpClient(setting.gateway().port())) {
      String key =
          setting.gateway().keyOfPlan("family", List.of("maria_k"), "chat:write", "usage:read");
      String head =
          """
          POST /v1/chat HTTP/1.1
          Host: gateway
          Authorization: Bearer %s
          Content-Type: application/json
          Idempotency-Key: "k"
          Content-Length: %d

          """
              .formatted(key, chat.length());
      client.send(RawHttpClient.crlf(head) + chat);
      assertTrue(called.await(20, TimeUnit.SECONDS));
      client.socket().setSoLinger(reset, 0);
      client.socket().close();
      Client maria = setting.withKey(key);
      // Long enough to be noticed, were the call watched: it begins after 30 ms.
      for (int i = 0; i < 10; i++) {
        maria.post("/v1/chat", chat, KEY, "k").expect(409, "IDEMPOTENCY_IN_PROGRESS");
      }
      answer.countDown();
      HttpReply reply =
          Waiting.until(() -> maria.post("/v1/chat", chat, KEY, "k"), now -> now.status() != 409);
      assertEquals("Hello", replayed(reply.expect(200)).json().at("text").string(""));
      assertEquals(1, calls.get());
      Waiting.until(() -> chatMessages(maria), used -> used == 1);
    }
  }

  private static long chatMessages(Client client) {
    for (Json one : client.get("/v1/usage").expect(200).json().at("quotas").items()) {
      if (one.at("meter").string("").equals("chat_messages")) {
        return one.at("used").integer().orElseThrow();
      }
    }
    throw new AssertionError("no such meter");
  }

  @Test
  void whatAGateRefusesIsNotKept() {
    String search = "/v1/elr/search";
    try (Fixture setting = Fixture.start()) {
      Client maria = setting.maria();
      setting.revoke("maria_k", "elr_memories");
      maria.post(search, Fixture.SEARCH, KEY, "k").expect(403, "CONSENT_DENIED");
      setting.services().grant("maria_k", "elr_memories");
      notReplayed(maria.post(search, Fixture.SEARCH, KEY, "k").expect(200));
      replayed(maria.post(search, Fixture.SEARCH, KEY, "k").expect(200));
      // A repeat passes the gates like any other request.
      setting.revoke("maria_k", "elr_memories");
      maria.post(search, Fixture.SEARCH, KEY, "k").expect(403, "CONSENT_DENIED");
    }
  }

  @Test
  void anExceededQuotaIsNotKeptAndDoesNotStopARepeat() {
    String chat = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
    try (Fixture setting =
        Fixture.start(
            gateway ->
                gateway.yaml(
                    "chat_messages: {day: 500, month: 10000}", "chat_messages: {day: 1}"))) {
      Client maria =
          setting.withKey(setting.gateway().keyOfPlan("family", List.of("maria_k"), "chat:write"));
      maria.post("/v1/chat", chat, KEY, "one").expect(200);
      for (int i = 0; i < 2; i++) {
        notReplayed(maria.post("/v1/chat", chat, KEY, "two").expect(429, "QUOTA_EXCEEDED"));
        replayed(maria.post("/v1/chat", chat, KEY, "one").expect(200));
      }
    }
  }

  @Test
  void aStreamIgnoresTheKey() {
    try (Fixture setting = Fixture.start()) {
      Client maria = setting.maria();
      for (int i = 1; i <= 2; i++) {
        HttpReply reply = maria.post("/v1/chat/stream", Fixture.CHAT, KEY, "k").expect(200);
        assertTrue(notReplayed(reply).body().contains("event: done"));
        assertEquals(i, setting.calls("agent").size());
      }
    }
  }

  @Test
  void aPutIsProcessedOnceToo() {
    String grants = "{\"grants\":[{\"scope\":\"analytics\",\"purpose\":\"care\"}],\"revokes\":[]}";
    try (Fixture setting = Fixture.start()) {
      Client maria = setting.maria();
      HttpReply first = maria.put("/v1/users/maria_k/consent", grants, KEY, "k").expect(200);
      setting.forget();
      HttpReply second = maria.put("/v1/users/maria_k/consent", grants, KEY, "k").expect(200);
      assertEquals(first.body(), replayed(second).body());
      assertEquals(List.of(), setting.calls("security"));
    }
  }

  @Test
  void aReplyBeyondTheBoundOfRedisIsNotKept() {
    String large = "{\"text\":\"" + "x".repeat(70_000) + "\"}";
    try (Fixture setting =
        Fixture.with(
            "ENG_URL",
            (connection, _) -> {
              calls.incrementAndGet();
              connection.reply("200 OK", large);
            },
            gateway -> store(gateway, true))) {
      Client maria = setting.maria();
      assertEquals(large, post(maria, "k").expect(200).body());
      assertEquals(large, notReplayed(post(maria, "k").expect(200)).body());
      assertEquals(2, calls.get());
    }
  }

  @Test
  void theKeyIsNotInTheLogAndNothingOfItIsInTheReply() {
    try (Fixture setting = counting(false)) {
      Client maria = setting.maria();
      HttpReply reply = post(maria, "a-secret-of-the-client");
      assertFalse(reply.toString().contains("a-secret-of-the-client"));
      String log = setting.gateway().awaitLog(1).toString();
      assertFalse(log.contains("a-secret-of-the-client"), log);
    }
  }
}
