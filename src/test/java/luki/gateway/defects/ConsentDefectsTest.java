package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.StandInReply;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Only a clear grant is consent, only a clear denial is one; every other reply is an outage. */
@Timeout(60)
class ConsentDefectsTest {
  private static final String SEARCH = "{\"user_id\":\"maria_k\",\"query\":\"garden\"}";

  @AutoClose
  private final Fixture setting = Fixture.start(g -> g.yaml("total: 2s", "total: 500ms"));

  private void securitySays(int status, String body) {
    setting.reply("security", "POST", "/policy", status, body);
  }

  private void assertRefused(HttpReply answer, int status, String code) {
    assertEquals(status, answer.status(), answer.body());
    assertEquals(code, answer.code());
    for (String service : List.of("memory", "engagement", "cognitive", "reporting", "tokens")) {
      assertEquals(List.of(), setting.calls(service));
    }
  }

  static Stream<Arguments> denials() {
    return Stream.of(
        Arguments.of(403, "{\"detail\":{\"error\":\"consent_denied\",\"message\":\"x\"}}"),
        Arguments.of(403, "{\"detail\":{\"error\":\"consent_expired\"}}"),
        Arguments.of(403, "{\"detail\":{\"error\":\"privacy_flags_denied\"}}"),
        Arguments.of(200, "{\"allowed\":false,\"reason\":\"no\"}"));
  }

  @ParameterizedTest
  @MethodSource("denials")
  void R11_aDenialIsADenial(int status, String body) {
    securitySays(status, body);
    assertRefused(setting.maria().post("/v1/elr/search", SEARCH), 403, "CONSENT_DENIED");
  }

  static Stream<Arguments> outages() {
    return Stream.of(
        Arguments.of(200, "{}"),
        Arguments.of(200, "{\"allowed\":\"true\"}"),
        Arguments.of(200, "{\"allowed\":1}"),
        Arguments.of(200, "{\"allowed\":null}"),
        Arguments.of(200, "{\"detail\":{\"allowed\":true}}"),
        Arguments.of(200, "[true]"),
        Arguments.of(200, "allowed"),
        Arguments.of(200, ""),
        Arguments.of(204, ""),
        Arguments.of(201, "{\"allowed\":true}"),
        Arguments.of(403, "{\"error\":\"consent_denied\"}"),
        Arguments.of(403, "{\"detail\":\"consent_denied\"}"),
        Arguments.of(403, "{\"detail\":{\"error\":\"CONSENT_DENIED\"}}"),
        Arguments.of(403, "{\"detail\":{\"error\":\"another\"}}"),
        Arguments.of(403, "{\"detail\":{\"error\":[\"consent_denied\"]}}"),
        Arguments.of(403, "{\"allowed\":false}"),
        Arguments.of(403, "Forbidden"),
        Arguments.of(302, "{\"allowed\":true}"),
        Arguments.of(400, "{\"detail\":{\"error\":\"invalid_scopes\"}}"),
        Arguments.of(401, "{\"detail\":{\"error\":\"consent_denied\"}}"),
        Arguments.of(404, "{\"detail\":\"Not Found\"}"),
        Arguments.of(422, "{\"detail\":[]}"),
        Arguments.of(429, "{\"allowed\":true}"),
        Arguments.of(500, "{\"detail\":{\"error\":\"consent_denied\"}}"),
        Arguments.of(500, "{\"allowed\":true}"),
        Arguments.of(503, "{\"allowed\":true}"));
  }

  @ParameterizedTest
  @MethodSource("outages")
  void R11_everyOtherReplyIsAnOutage(int status, String body) {
    securitySays(status, body);
    HttpReply answer = setting.maria().post("/v1/elr/search", SEARCH);
    assertRefused(answer, 503, "CONSENT_UNAVAILABLE");
    assertTrue(answer.header("Retry-After").isPresent());
  }

  @Test
  void R11_aLateReplyIsAnOutage() {
    StandInReply late = StandInReply.json(200, "{\"allowed\":true}").after(Duration.ofSeconds(20));
    setting.services().override("security", "POST", "/policy", late);
    assertRefused(setting.maria().post("/v1/elr/search", SEARCH), 503, "CONSENT_UNAVAILABLE");
  }

  @Test
  void R11_aConnectionThatBreaksIsAnOutage() {
    try (Fixture raw = Fixture.with("SECURITY_URL", (c, _) -> c.reset())) {
      HttpReply answer = raw.maria().post("/v1/elr/search", SEARCH);
      assertEquals("CONSENT_UNAVAILABLE", answer.code());
      assertEquals(List.of(), raw.calls("memory"));
    }
  }

  @Test
  void R11_theStoreFaultOfTheServiceIsAnOutage() {
    Client maria = setting.maria();
    setting.services().securityFault(true);
    assertRefused(maria.post("/v1/elr/search", SEARCH), 503, "CONSENT_UNAVAILABLE");
  }

  @Test
  void R11_aRevocationTakesEffectAtOnce() {
    Client maria = setting.maria();
    maria.post("/v1/elr/search", SEARCH).expect(200);
    setting.revoke("maria_k", "elr_memories");
    setting.forget();
    assertRefused(maria.post("/v1/elr/search", SEARCH), 403, "CONSENT_DENIED");
  }

  @ParameterizedTest
  @ValueSource(strings = {"analytics", "personalization"})
  void R11_allScopesMustBeGranted(String revoked) {
    Client maria = setting.maria();
    setting.revoke("maria_k", revoked);
    assertRefused(maria.get("/v1/activities/recommend?user_id=maria_k"), 403, "CONSENT_DENIED");
    assertRefused(maria.get("/v1/engagement/recommendations/maria_k"), 403, "CONSENT_DENIED");
    assertRefused(maria.get("/v1/engagement/graph/maria_k"), 403, "CONSENT_DENIED");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET|/v1/elr/items/maria_k||elr_memories|get_user_memories",
        "GET|/v1/elr/users/maria_k/stats||elr_memories|get_user_stats",
        "POST|/v1/elr/search|{\"user_id\":\"maria_k\",\"query\":\"a\"}|elr_memories|search_memories",
        "POST|/v1/elr/items|{\"user_id\":\"maria_k\",\"text\":\"a\"}|elr_memories|create_memory",
        "POST|/v1/elr/ingest_text|{\"user_id\":\"maria_k\",\"text\":\"a\"}|elr_memories|create_memory",
        "PUT|/v1/elr/items/maria_k_a|{\"user_id\":\"maria_k\",\"text\":\"a\"}|elr_memories|update_memory",
        "POST|/v1/chat|{\"user_id\":\"maria_k\",\"message\":\"a\"}|elr_memories|chat_memory_retrieval",
        "POST|/v1/chat/stream|{\"user_id\":\"maria_k\",\"message\":\"a\"}|elr_memories|chat_stream_memory_retrieval",
        "GET|/v1/activities/recommend?user_id=maria_k||analytics,personalization|recommend_activities",
        "POST|/v1/reports/generate|{\"user_id\":\"maria_k\",\"window_days\":7}|analytics|generate_report"
      })
  void R11_theConsentCallNamesTheUserTheScopesAndTheOperation(
      String method, String target, String body, String scopes, String operation)
      throws InvalidJson {
    setting.maria().send(method, target, body);
    assertEquals(1, setting.calls("security").size());
    Json asked = Json.parseReply(setting.calls("security").getFirst().body());
    assertEquals("maria_k", asked.at("user_id").string());
    assertEquals("api_gateway", asked.at("requester_role").string());
    Set<String> named = new TreeSet<>();
    asked.at("requested_scopes").items().forEach(scope -> named.add(scope.string()));
    assertEquals(scopes, String.join(",", named));
    assertEquals(operation, asked.at("context").at("operation").string());
  }

  @Test
  void S9_withoutThePolicyServiceOperationsThatNeedConsentAreRefused() {
    try (Fixture blind = Fixture.without("security")) {
      Client maria = blind.maria();
      for (HttpReply answer :
          List.of(
              maria.post("/v1/elr/search", SEARCH),
              maria.get(Fixture.ITEMS),
              maria.get(Fixture.METRICS),
              maria.post("/v1/cognitive/life-story/start", "{\"user_id\":\"maria_k\"}"),
              maria.get("/v1/tokens/balances/maria_k"))) {
        assertEquals(503, answer.status(), answer.body());
        assertEquals("CONSENT_UNAVAILABLE", answer.code());
      }
      blind.assertNothingWasCalled("no policy service");
    }
  }

  @Test
  void S9_aServiceWithoutAUrlIsReportedAsNotConfigured() {
    try (Fixture less = Fixture.without("memory", "agent")) {
      Client maria = less.maria();
      maria.get(Fixture.ITEMS).expect(503, "DOWNSTREAM_NOT_CONFIGURED");
      for (String path : List.of("/v1/chat", "/v1/chat/stream")) {
        maria.post(path, Fixture.CHAT).expect(503, "DOWNSTREAM_NOT_CONFIGURED");
      }
    }
  }

  @Test
  void S9_withoutAKeyFileNoKeyIsAccepted() {
    try (Fixture other = Fixture.start()) {
      String key = other.gateway().key(List.of("maria_k"), "elr:read");
      HttpReply answer = setting.withKey(key).get(Fixture.ITEMS).expect(401);
      assertEquals(Optional.of(true), answer.header("WWW-Authenticate").map(h -> !h.isEmpty()));
      setting.assertNothingWasCalled("no key file");
    }
  }
}
