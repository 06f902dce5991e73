package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Unchecked;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes, counts and ranges of requests are bounded; what exceeds them reaches no service. */
@Timeout(60)
class BoundsDefectsTest {
  @AutoClose
  private static final Fixture SETTING = Fixture.start(g -> g.with("MAX_BODY_BYTES", "200000"));

  @BeforeEach
  void forget() {
    SETTING.forget();
  }

  private static Json.Builder maria() {
    return Json.object().put("user_id", "maria_k");
  }

  private static void assertRefused(String path, Json body) {
    SETTING.maria().post(path, body.toString()).expect(400, "INVALID_REQUEST");
    SETTING.assertNothingWasCalled(path);
  }

  @Test
  void S18_aBodyBeyondTheLimitIsTooLarge() {
    String body = maria().put("message", "a".repeat(200_000)).build().toString();
    for (String path : List.of("/v1/chat", "/v1/chat/stream", "/v1/elr/ingest_text")) {
      SETTING.maria().post(path, body).expect(413, "BODY_TOO_LARGE");
    }
    SETTING.assertNothingWasCalled("too large");
  }

  @Test
  void aBodyThatFindsNoRoomInMemoryIsRefusedForNow() {
    try (Fixture setting = Fixture.start(g -> g.with("MAX_BUFFERED_BYTES", "1000000"))) {
      // The first does not fit as bytes, the second not as values.
      for (String message : List.of("a".repeat(300_000), "0")) {
        String body = "{\"message\":\"" + message + "\",\"n\":[0" + ",0".repeat(40_000) + "]}";
        setting.maria().post("/v1/chat", body).expect(503, "OVERLOADED");
      }
    }
  }

  @Test
  void aHeadThatFindsNoRoomInMemoryIsRefusedForNow() throws IOException {
    assumeTrue(TestGateway.isEdge(), "the JDK's server counts no memory");
    List<RawHttpClient> clients = new ArrayList<>();
    try (Fixture setting = Fixture.start(g -> g.with("MAX_BUFFERED_BYTES", "1000000"))) {
      for (int i = 0; i < 100; i++) {
        clients.add(new RawHttpClient(setting.gateway().port()));
        clients.getLast().send("GET / HTTP/1.1\r\nHost: h\r\nX-Long: " + "a".repeat(14_000));
      }
      Waiting.until(() -> clients.stream().anyMatch(BoundsDefectsTest::hasReply));
      for (RawHttpClient client : clients.stream().filter(BoundsDefectsTest::hasReply).toList()) {
        client.reply().expect(503, "OVERLOADED");
      }
    } finally {
      for (RawHttpClient client : clients) {
        client.close();
      }
    }
  }

  private static boolean hasReply(RawHttpClient client) {
    return Unchecked.get(() -> client.socket().getInputStream().available() > 0);
  }

  @Test
  void S18_textsHaveALength() {
    assertRefused("/v1/chat", maria().put("message", "a".repeat(32_001)).build());
    assertRefused("/v1/elr/ingest_text", maria().put("text", "a".repeat(50_001)).build());
    assertRefused("/v1/elr/items", maria().put("text", "").build());
    assertRefused("/v1/elr/search", maria().put("query", "a".repeat(1001)).build());
    assertRefused(
        "/v1/chat", maria().put("message", "a").put("session_id", "s".repeat(129)).build());
    assertRefused("/v1/engagement/interactions", maria().put("interaction_type", "").build());
  }

  @Test
  void S18_lengthsAreCountedInCodePoints() {
    String fullQuery = "🙂".repeat(1000);
    SETTING
        .maria()
        .post("/v1/elr/search", maria().put("query", fullQuery).build().toString())
        .expect(200);
    SETTING.forget();
    assertRefused("/v1/elr/search", maria().put("query", fullQuery + "🙂").build());
  }

  @ParameterizedTest
  @ValueSource(strings = {" ", "\t\n", "\u00a0", "\u2003", "\u0085", "\u3000"})
  void S18_aBlankTextIsRefused(String blank) {
    assertRefused("/v1/chat", maria().put("message", blank).build());
    assertRefused("/v1/chat/stream", maria().put("message", blank).build());
    Client maria = SETTING.maria();
    for (String path : List.of("/v1/elr/search", "/v1/elr/ingest_text")) {
      String name = path.endsWith("search") ? "query" : "text";
      maria.post(path, maria().put(name, blank).build().toString()).expect(400);
    }
    assertEquals(List.of(), SETTING.calls("memory"));
    assertEquals(List.of(), SETTING.calls("agent"));
  }

  @Test
  void S18_listsAndObjectsHaveACount() {
    List<String> tags = IntStream.range(0, 33).mapToObj(i -> "t" + i).toList();
    assertRefused(
        "/v1/elr/ingest_text", maria().put("text", "a").put("tags", Json.strings(tags)).build());
    Json.Builder many = Json.object();
    IntStream.range(0, 51).forEach(i -> many.put("k" + i, i));
    assertRefused(
        "/v1/elr/ingest_text", maria().put("text", "a").put("metadata", many.build()).build());
    Json turn = Json.object().put("role", "user").put("content", "a").build();
    Json turns = Json.array(IntStream.range(0, 201).mapToObj(i -> turn).toList());
    Json context = Json.object().put("conversation_history", turns).build();
    assertRefused("/v1/chat", maria().put("message", "a").put("context", context).build());
    List<String> answers = IntStream.range(0, 51).mapToObj(i -> "a" + i).toList();
    assertRefused(
        "/v1/cognitive/images/photo-reminiscence",
        maria().put("answers", Json.strings(answers)).build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/elr/items/maria_k?limit=0",
        "/v1/elr/items/maria_k?limit=101",
        "/v1/elr/items/maria_k?limit=-1",
        "/v1/elr/items/maria_k?limit=1e1",
        "/v1/elr/items/maria_k?limit=99999999999999999999",
        "/v1/elr/items/maria_k?limit=",
        "/v1/elr/items/maria_k?limit=1&limit=2",
        "/v1/elr/items/maria_k?offset=-1",
        "/v1/elr/items/maria_k?offset=1001",
        "/v1/elr/items/maria_k?page=1",
        "/v1/activities/recommend?user_id=maria_k&k=0",
        "/v1/activities/recommend?user_id=maria_k&k=51",
        "/v1/engagement/recommendations/maria_k?limit=51",
        "/v1/tokens/transactions/maria_k?limit=51",
        "/v1/chat/stream?user_id=maria_k&message=",
        "/v1/chat/stream?user_id=maria_k"
      })
  void S18_numbersInAQueryHaveARange(String target) {
    SETTING.maria().get(target).expect(400);
    SETTING.assertNothingWasCalled(target);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "51", "-1", "1.5", "\"10\"", "true", "null", "1e400", "[]"})
  void S18_numbersInABodyHaveARange(String limit) {
    String body = "{\"user_id\":\"maria_k\",\"query\":\"a\",\"limit\":%s}".formatted(limit);
    SETTING.maria().post("/v1/elr/search", body).expect(400);
    String days = limit.equals("51") ? "366" : limit;
    SETTING
        .maria()
        .post(
            "/v1/reports/generate", "{\"user_id\":\"maria_k\",\"window_days\":%s}".formatted(days))
        .expect(400);
    SETTING.assertNothingWasCalled(limit);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"a\":[1]}",
        "{\"a\":{}}",
        "{\"a\":null}",
        "{\"user_id\":\"anna\"}",
        "{\"tags\":\"a\"}",
        "{\"consent_level\":\"research\"}",
        "{\"sensitivity_level\":\"public\"}",
        "{\"created_at\":\"2020-01-01T00:00:00\"}",
        "{\"chunk_id\":\"anna_0123456789ab\"}",
        "{\"\":1}",
        "[]",
        "\"a\""
      })
  void S18_metadataIsFlatAndMayNotSetTheServicesOwnKeys(String metadata) {
    String body = "{\"user_id\":\"maria_k\",\"text\":\"a\",\"metadata\":%s}".formatted(metadata);
    SETTING.maria().post("/v1/elr/ingest_text", body).expect(400);
    SETTING.assertNothingWasCalled(metadata);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "null",
        "{",
        "{\"user_id\":\"maria_k\",\"message\":\"a\"} {}",
        "{\"user_id\":\"maria_k\",\"message\":\"\\ud800\"}",
        "{'user_id':'maria_k','message':'a'}",
        "{\"user_id\":\"maria_k\",\"message\":\"a\",\"extra\":1}",
        "{\"user_id\":\"maria_k\",\"message\":\"a\",\"message\":\"b\"}",
        "{\"user_id\":\"maria_k\",\"message\":null}",
        "{\"user_id\":\"maria_k\",\"message\":\"a\",\"context\":[]}"
      })
  void S18_anInvalidChatRequestIsRefused(String body) {
    SETTING.maria().post("/v1/chat", body).expect(400);
    SETTING.assertNothingWasCalled(body);
  }

  @Test
  void S18_depthHasALimit() {
    String deep = "[".repeat(5000) + "]".repeat(5000);
    String body =
        "{\"user_id\":\"maria_k\",\"message\":\"a\",\"context\":{\"a\":%s}}".formatted(deep);
    SETTING.maria().post("/v1/chat", body).expect(400);
    SETTING.assertNothingWasCalled("depth");
  }

  @Test
  void S18_aUserIdHasALength() {
    String longest = "u".repeat(255);
    SETTING.as(longest).get("/v1/elr/items/" + longest).expect(200);
    SETTING.forget();
    Client anyone = SETTING.withKey(SETTING.gateway().keyWithRole(List.of("*"), "admin"));
    int status = anyone.get("/v1/elr/items/" + longest + "u").status();
    assertTrue(status == 400, "status " + status);
    SETTING.assertNothingWasCalled("user id");
  }
}
