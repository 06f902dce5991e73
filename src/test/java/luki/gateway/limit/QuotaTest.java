package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.gateway.json.Json;
import luki.gateway.keys.ApiKeyText;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.ScriptedAgent;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Quotas of a plan, counted in memory and in Redis. */
@Timeout(60)
class QuotaTest {
  private static final String CHAT = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
  private static final String BOUNDS = "chat_messages: {day: 500, month: 10000}";
  private static final String CHARACTERS = "streamed_characters: {day: 500000}";
  private static final String REPLY = "{\"response\":\"Hello\",\"tool_calls\":[],\"metadata\":{}}";
  @AutoClose private static final RedisProcess REDIS = RedisProcess.start("--appendfsync", "no");

  private static TestGateway gateway(
      boolean shared, String agent, String messages, String characters) {
    TestGateway.Builder builder =
        TestGateway.builder()
            .with("AGENT_URL", agent)
            .yaml("per_minute: 60\n    burst: 30", "per_minute: 60000\n    burst: 60000")
            .yaml("redis_deadline: 20ms", "redis_deadline: 3s")
            .yaml(BOUNDS, "chat_messages: " + messages)
            .yaml(CHARACTERS, "streamed_characters: " + characters);
    return (shared ? builder.with("REDIS_URL", REDIS.url()) : builder).start();
  }

  private static Client client(TestGateway gateway) {
    return new Client(
        gateway, gateway.keyOfPlan("family", List.of("maria_k"), "chat:write", "usage:read"));
  }

  private static Json window(Client client, String meter, String window) {
    for (Json one : client.get("/v1/usage").json().at("quotas").items()) {
      if (one.at("meter").string("").equals(meter) && one.at("window").string("").equals(window)) {
        return one;
      }
    }
    throw new AssertionError(client.get("/v1/usage").body());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void ofManyCallsAtOneRemainingUnitExactlyOneIsAdmitted(boolean shared) throws Exception {
    try (RawUpstream agent = RawUpstream.replying("200 OK", REPLY);
        TestGateway gateway = gateway(shared, agent.url(), "{day: 3}", "{day: 100}");
        ExecutorService threads = Executors.newFixedThreadPool(12)) {
      Client maria = client(gateway);
      for (int i = 0; i < 2; i++) {
        maria.post("/v1/chat", CHAT).expect(200);
      }
      List<Future<HttpReply>> calls = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        calls.add(threads.submit(() -> maria.post("/v1/chat", CHAT)));
      }
      Map<Integer, Integer> statuses = new HashMap<>();
      for (Future<HttpReply> call : calls) {
        HttpReply answer = call.get();
        statuses.merge(answer.status(), 1, Integer::sum);
        if (answer.status() != 200) {
          assertEquals("QUOTA_EXCEEDED", answer.code());
          long retry = Long.parseLong(answer.header("Retry-After").orElseThrow());
          assertTrue(retry > 0 && retry <= 86_400, "Retry-After " + retry);
        }
      }
      assertEquals(Map.of(200, 1, 429, 11), statuses);
      Json day = window(maria, "chat_messages", "day");
      assertEquals(3, day.at("used").integer().orElseThrow());
      assertEquals(0, day.at("remaining").integer().orElseThrow());
      assertTrue(day.at("resets").string("").endsWith("T00:00:00Z"), day.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRotatedKeyKeepsTheQuotaOfTheOldOne(boolean shared) throws Exception {
    try (RawUpstream agent = RawUpstream.replying("200 OK", REPLY);
        TestGateway gateway = gateway(shared, agent.url(), "{day: 2}", "{day: 100}")) {
      String key = gateway.keyOfPlan("family", List.of("maria_k"), "chat:write");
      new Client(gateway, key).post("/v1/chat", CHAT).expect(200);
      String id = ApiKeyText.parse(key).orElseThrow().id();
      String next = gateway.keys().rotate(id, Duration.ofDays(1)).reveal();
      gateway.refreshKeys();
      new Client(gateway, next).post("/v1/chat", CHAT).expect(200);
      for (String either : List.of(key, next)) {
        new Client(gateway, either).post("/v1/chat", CHAT).expect(429, "QUOTA_EXCEEDED");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCallThatFailedIsFree(boolean shared) {
    try (RawUpstream agent = RawUpstream.replying("400 Bad Request", "{}");
        TestGateway gateway = gateway(shared, agent.url(), "{day: 1, month: 1}", "{day: 100}")) {
      Client maria = client(gateway);
      for (int i = 0; i < 4; i++) {
        assertEquals("DOWNSTREAM_REJECTED", maria.post("/v1/chat", CHAT).code());
        maria.post("/v1/chat", "{}").expect(400);
      }
      assertEquals(0, window(maria, "chat_messages", "month").at("used").integer().orElseThrow());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStreamThatUsesItsQuotaUpIsEnded(boolean shared) {
    String token = "data: {\"token\": \"ab\u00e9\ud83d\ude00\"}\n\n";
    try (RawUpstream agent =
            RawUpstream.start(
                connection -> {
                  connection.readRequest();
                  connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
                  for (int i = 0; i < 600; i++) {
                    connection.send(token);
                  }
                });
        TestGateway gateway = gateway(shared, agent.url(), "{day: 9}", "{day: 1501}")) {
      Client maria = client(gateway);
      HttpReply answer = maria.post("/v1/chat/stream", CHAT).expect(200);
      // Four characters (code points) each: the 376th exceeds the quota.
      assertEquals(375, answer.body().split("ab\u00e9", -1).length - 1);
      assertTrue(
          answer.body().contains("event: error\ndata: {\"error\":{\"code\":\"QUOTA_EXCEEDED\""),
          answer.body());
      Json day =
          Waiting.until(
              Duration.ofSeconds(5),
              () -> window(maria, "streamed_characters", "day"),
              now -> now.at("used").integer().orElse(0) > 0);
      assertEquals(1500, day.at("used").integer().orElseThrow());
      HttpReply next = maria.post("/v1/chat/stream", CHAT).expect(200);
      assertTrue(next.body().startsWith("event: error"), next.body());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStreamThatIsCutCostsWhatItsClientGot(boolean shared) throws Exception {
    AtomicBoolean agentStays = new AtomicBoolean();
    try (RawUpstream agent =
            ScriptedAgent.agent(
                connection -> {
                  ScriptedAgent.begin(connection);
                  ScriptedAgent.chunk(connection, "data: {\"token\": \"abc\"}\n\n");
                  if (agentStays.get()) {
                    connection.stallUntilClosed();
                  }
                });
        TestGateway gateway = gateway(shared, agent.url(), "{day: 9}", "{day: 1500}")) {
      Client maria = client(gateway);
      HttpReply cut = maria.post("/v1/chat/stream", CHAT).expect(200);
      assertTrue(cut.body().contains("DOWNSTREAM_UNAVAILABLE"), cut.body());
      awaitUse(maria, 1, 3);

      agentStays.set(true);
      try (ChatStream left = ChatStream.open(gateway, maria.key())) {
        assertTrue(left.reaches("abc"));
      }
      awaitUse(maria, 2, 6);
    }
  }

  private static void awaitUse(Client client, long messages, long characters) {
    Waiting.until(
        () -> window(client, "streamed_characters", "day").at("used").integer().orElse(0),
        used -> used == characters);
    assertEquals(messages, window(client, "chat_messages", "day").at("used").integer().orElse(0));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCallWithoutAReplyOfTheAgentIsNoMessage(boolean shared) {
    try (RawUpstream agent = RawUpstream.replying("500 Internal Server Error", "{}");
        TestGateway gateway = gateway(shared, agent.url(), "{day: 1}", "{day: 100}")) {
      Client maria = client(gateway);
      for (int i = 0; i < 3; i++) {
        maria.send("HEAD", "/v1/chat/stream?user_id=maria_k&message=Hi", null).expect(200);
        maria.post("/v1/chat/stream", CHAT).expect(502);
      }
      assertEquals(0, window(maria, "chat_messages", "day").at("used").integer().orElseThrow());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void withoutAQuotaOnlyTheRateIsReported(boolean shared) {
    try (RawUpstream agent = RawUpstream.replying("200 OK", REPLY);
        TestGateway gateway = gateway(shared, agent.url(), "{day: 1}", "{day: 1}")) {
      Client other = gateway.client("usage:read");
      Json usage = other.get("/v1/usage").json();
      assertEquals("default", usage.at("plan").string());
      assertEquals(0, usage.at("quotas").size());
      new Client(gateway, gateway.key(List.of("a"), "elr:read")).get("/v1/usage").expect(403);
    }
  }
}
