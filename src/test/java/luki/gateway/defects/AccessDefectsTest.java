package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.tokens.Forge;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AccessDefectsTest {
  @AutoClose
  private static final Fixture SETTING = Fixture.start(g -> g.with("METRICS_ACCESS", "scope"));

  @BeforeEach
  void forget() {
    SETTING.forget();
  }

  /** Forged and invalid tokens of an administrator, by what is wrong with them. */
  private static Map<String, String> forgeries() {
    Instant now = Instant.now();
    byte[] published =
        SETTING.stranger().get("/.well-known/jwks.json").body().getBytes(StandardCharsets.US_ASCII);
    Forge forge = new Forge();
    String ours = forge.sign("{\"alg\":\"ES256\"}", claims(now), "ES256");
    Map<String, String> tokens = new LinkedHashMap<>();
    tokens.put("alg none", Forge.unsigned("none", claims(now)));
    tokens.put("signature cut off", ours.substring(0, ours.lastIndexOf('.') + 1));
    tokens.put("own EC key", ours);
    tokens.put("own RSA key", forge.sign("{\"alg\":\"RS256\"}", claims(now), "RS256"));
    String hs256 = "{\"alg\":\"HS256\"}";
    byte[] secret = "k".repeat(32).getBytes(StandardCharsets.US_ASCII);
    tokens.put("HMAC", Forge.hmac(hs256, claims(now), secret));
    tokens.put("HMAC under the published keys", Forge.hmac(hs256, claims(now), published));
    String past = claims(now.minusSeconds(4200));
    tokens.put("expired", forge.sign("{\"alg\":\"ES256\"}", past, "ES256"));
    return tokens;
  }

  private static String claims(Instant issued) {
    Map<String, String> claims = Forge.claims(issued);
    claims.put("scope", Forge.text(String.join(" ", Fixture.SCOPES) + " users:any ops:read"));
    claims.put("roles", "[\"admin\"]");
    return Forge.json(claims);
  }

  @Test
  void S1_aForgedTokenIsRefusedOnEveryRoute() {
    for (Map.Entry<String, String> forged : forgeries().entrySet()) {
      Client forger = SETTING.withKey(forged.getValue());
      for (DataRoute route : DataRoute.all(SETTING)) {
        HttpReply answer = route.send(forger);
        assertEquals(401, answer.status(), forged.getKey() + ": " + route);
        assertEquals("UNAUTHENTICATED", route.code(answer));
        assertTrue(answer.header("WWW-Authenticate").isPresent());
      }
    }
    SETTING.assertNothingWasCalled("a forged token");
  }

  @Test
  void S1_theGatewaysOwnTokenForAServiceIsNotAcceptedByTheGateway() {
    SETTING.maria().get(Fixture.METRICS);
    Seen seen = SETTING.calls("engagement").getFirst();
    String overheard = seen.header("Authorization").orElseThrow().substring("Bearer ".length());
    SETTING.forget();
    SETTING.withKey(overheard).get(Fixture.METRICS).expect(401);
    SETTING.assertNothingWasCalled("a token that was meant for a service");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "abcdefghij",
        "0123456789",
        "luki_000000000000",
        "luki_000000000000_0000000000000000000000000000000000000000000000000"
      })
  void S2_aTextThatLooksLikeAKeyIsRefused(String text) {
    SETTING.withKey(text).get(Fixture.ITEMS).expect(401);
    SETTING.stranger().get(Fixture.ITEMS, "X-API-Key", text).expect(401);
    SETTING.assertNothingWasCalled(text);
  }

  @Test
  void S2_aKeyOfAnotherGatewayIsRefused() {
    try (TestGateway other = TestGateway.start(Map.of())) {
      String key = other.key(List.of(Fixture.MARIA), "elr:read");
      SETTING.withKey(key).get(Fixture.ITEMS).expect(401);
    }
    SETTING.assertNothingWasCalled("a key of another gateway");
  }

  @Test
  void S2_aKeyWithOneCharacterChangedIsRefused() {
    String key = SETTING.gateway().key(List.of(Fixture.MARIA), "elr:read");
    int middle = key.length() / 2;
    char other = key.charAt(middle) == 'a' ? 'b' : 'a';
    String changed = key.substring(0, middle) + other + key.substring(middle + 1);
    SETTING.withKey(key).get(Fixture.ITEMS).expect(200);
    SETTING.withKey(changed).get(Fixture.ITEMS).expect(401);
  }

  @Test
  void S4_everyDataRouteNeedsACredential() {
    List<DataRoute> routes = DataRoute.all(SETTING);
    assertTrue(routes.size() >= 30, routes.toString());
    for (DataRoute route : routes) {
      HttpReply answer = route.send(SETTING.stranger());
      assertEquals(401, answer.status(), route.toString());
      assertTrue(answer.header("WWW-Authenticate").isPresent(), route.toString());
    }
    SETTING.assertNothingWasCalled("no credential");
  }

  @Test
  void S4_everyDataRouteNeedsItsScope() {
    Client unscoped = SETTING.withKey(SETTING.gateway().key(List.of(Fixture.MARIA), "ops:canary"));
    for (DataRoute route : DataRoute.all(SETTING)) {
      HttpReply answer = route.send(unscoped);
      assertEquals(403, answer.status(), route.toString());
      assertEquals("FORBIDDEN", route.code(answer), route.toString());
    }
    SETTING.assertNothingWasCalled("no scope");
  }

  @Test
  void S4_headNeedsTheSameCredentialAsGet() {
    for (DataRoute route : DataRoute.all(SETTING)) {
      if (route.method().equals("GET")) {
        int status = SETTING.stranger().send("HEAD", route.target(), null).status();
        assertEquals(401, status, route.toString());
      }
    }
    SETTING.assertNothingWasCalled("no credential");
  }

  @Test
  void S5_anUnknownRouteWithABodyIsNotFound() {
    String body = Fixture.CHAT;
    for (Client caller : List.of(SETTING.stranger(), SETTING.maria())) {
      caller.post("/v1/chatXYZ", body).expect(404);
      caller.put("/v1/chat", body).expect(405);
    }
    SETTING.assertNothingWasCalled("no such route");
  }

  @Test
  void S5_anEncodedSpellingOfARouteIsThatRoute() {
    String disguised = "/%76%31/elr/%69tems/maria%5fk";
    SETTING.stranger().get(disguised).expect(401);
    SETTING.assertNothingWasCalled("no credential");
    SETTING.maria().get(disguised).expect(200);
  }

  @Test
  void S5_aCredentialForOneRouteDoesNotOpenAnother() {
    Client talker = SETTING.withKey(SETTING.gateway().key(List.of(Fixture.MARIA), "chat:write"));
    assertAll(
        () -> assertEquals(403, talker.get(Fixture.ITEMS).status()),
        () -> assertEquals(403, talker.get("/v1/users/maria_k/overview").status()));
    SETTING.assertNothingWasCalled("another scope");
  }

  @AfterEach
  void restore() {
    SETTING.services().clearOverrides();
  }

  private static List<DataRoute> routesOfUsers() {
    return DataRoute.all(SETTING).stream().filter(DataRoute::namesAUser).toList();
  }

  @Test
  void S3_aCallerMayNotActForAnotherUserWhereverTheIdIs() {
    Client anna = SETTING.as("anna");
    List<DataRoute> routes = routesOfUsers();
    assertTrue(routes.size() >= 28, routes.toString());
    for (DataRoute route : routes) {
      HttpReply answer = route.send(anna);
      assertEquals(403, answer.status(), route.toString());
      assertEquals("NOT_OWNER", route.code(answer), route.toString());
    }
    SETTING.assertNothingWasCalled("another's data");
  }

  @Test
  void S3_aCallerMayActForItself() {
    Client maria = SETTING.maria();
    for (DataRoute route : routesOfUsers()) {
      HttpReply answer = route.send(maria);
      assertNotEquals(403, answer.status(), route + ": " + answer.body());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET|/v1/chat/stream?user_id=anna&user_id=maria_k&message=a|",
        "GET|/v1/activities/recommend?user_id=anna&user_id=maria_k|",
        "POST|/v1/chat|{\"user_id\":\"anna\",\"user_id\":\"maria_k\",\"message\":\"a\"}",
        "POST|/v1/chat?user_id=maria_k|{\"user_id\":\"anna\",\"message\":\"a\"}",
        "POST|/v1/cognitive/analyze/anna|{\"user_id\":\"maria_k\"}",
        "POST|/v1/cognitive/analyze/anna|{\"user_id\":[\"maria_k\"]}",
        "GET|/v1/engagement/metrics/anna?user_id=maria_k|",
        "PUT|/v1/elr/items/anna_0123456789ab|{\"user_id\":\"maria_k\",\"text\":\"a\"}",
        "DELETE|/v1/cognitive/life-story/sessions/ls_1?user_id=anna&user_id=maria_k|"
      })
  void S3_twoUsersInOneRequestAreRefused(String method, String target, String body) {
    SETTING.as("anna").send(method, target, body).expect(400, "INVALID_REQUEST");
    SETTING.assertNothingWasCalled(target);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Anna", "anna%20", "%20anna", "anna%00", "ann", "annaa"})
  void S3_anIdSimilarToTheCallersIsAnotherUser(String almost) {
    int status = SETTING.as("anna").get("/v1/elr/items/" + almost).status();
    assertTrue(status == 403 || status == 400, "status " + status);
    SETTING.assertNothingWasCalled(almost);
  }

  @Test
  void S6_theOwnerOfAnItemIsTheTextBeforeTheLastUnderscore() {
    Client maria = SETTING.as("maria");
    Client mariaK = SETTING.as("maria_k");
    String item = "/v1/elr/items/maria_k_0123456789ab";
    maria.delete(item).expect(403, "NOT_OWNER");
    maria.put(item, "{\"user_id\":\"maria_k\",\"text\":\"mine\"}").expect(403);
    SETTING.assertNothingWasCalled("an item of maria_k's");
    mariaK.delete(item).expect(204);
    assertEquals(
        List.of("/delete/memory/maria_k_0123456789ab"),
        SETTING.calls("memory").stream().map(Seen::path).toList());
  }

  @Test
  void S6_consentIsCheckedForTheOwner() {
    SETTING.services().grant("maria", "elr_memories");
    Client mariaK = SETTING.as("maria_k");
    SETTING.revoke("maria_k", "elr_memories");
    HttpReply answer = mariaK.put("/v1/elr/items/maria_k_0123456789ab", Fixture.MEMORY);
    assertEquals("CONSENT_DENIED", answer.code());
    assertTrue(SETTING.calls("security").getFirst().body().contains("\"maria_k\""));
    assertEquals(List.of(), SETTING.calls("memory"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"_0123456789ab", "0123456789ab", "_", "__"})
  void S6_anItemWithoutAnOwnerIsRefused(String id) {
    Client anyone = SETTING.withKey(SETTING.gateway().keyWithRole(List.of("*"), "admin"));
    for (Client caller : List.of(SETTING.maria(), anyone)) {
      HttpReply deletion = caller.delete("/v1/elr/items/" + id);
      boolean refused = deletion.status() == 400 || deletion.code().equals("NOT_OWNER");
      assertTrue(refused, deletion.status() + " " + deletion.body());
      caller.put("/v1/elr/items/" + id, "{\"user_id\":\"\",\"text\":\"a\"}").expect(400);
    }
    anyone.delete("/v1/elr/items/_0123456789ab").expect(400);
    SETTING.assertNothingWasCalled(id);
  }

  private static void memoryAnswersWithTwoUsers() {
    String entry =
        """
        {"content":"%2$s","similarity_score":0.0,"metadata":{"user_id":"%1$s"},\
        "chunk_id":"%1$s_%3$s","created_at":"2026-11-23T14:42:38.912423"}\
        """;
    String body =
        "{\"results\":[%s,%s],\"total_count\":2,\"query_time_ms\":1.0,\"user_id\":\"maria_k\"}"
            .formatted(
                entry.formatted("maria_k", "my garden", "0123456789ab"),
                entry.formatted("anna", "a secret of anna's", "ba9876543210"));
    SETTING.reply("memory", "POST", "/search/memories", 200, body);
  }

  @Test
  void S7_aLookupNeverReturnsMemoriesOfAnotherUser() {
    memoryAnswersWithTwoUsers();
    Client maria = SETTING.maria();
    HttpReply list = maria.get(Fixture.ITEMS);
    HttpReply found =
        maria.post("/v1/elr/search", "{\"user_id\":\"maria_k\",\"query\":\"garden\"}");
    for (HttpReply answer : List.of(list, found)) {
      assertEquals(200, answer.status());
      assertEquals(1, answer.json().at("items").size());
      assertFalse(answer.body().contains("anna"), answer.body());
    }
  }

  @Test
  void S7_memoriesOfAnotherUserNeverReachThePrompt() {
    memoryAnswersWithTwoUsers();
    HttpReply answer =
        SETTING.maria().post("/v1/chat", "{\"user_id\":\"maria_k\",\"message\":\"garden\"}");
    assertEquals("used", answer.json().at("meta").at("memory").string());
    String told = SETTING.calls("agent").getFirst().body();
    assertTrue(told.contains("my garden"), told);
    assertFalse(told.contains("anna"), told);
  }

  @Test
  void S7_aSessionIsAlwaysLookedUpWithItsOwner() {
    Client maria = SETTING.maria();
    maria.delete("/v1/cognitive/life-story/sessions/of_another?user_id=maria_k");
    String body = "{\"user_id\":\"maria_k\",\"message\":\"hi\",\"session_id\":\"of_another\"}";
    maria.post("/v1/chat", body);
    assertEquals(
        "/life-story/sessions/of_another?user_id=maria_k",
        SETTING.calls("cognitive").getFirst().path());
    String told = SETTING.calls("agent").getFirst().body();
    assertTrue(told.contains("\"user_id\":\"maria_k\""), told);
  }

  @Test
  void S8_cognitiveAndImageRoutesNeedConsent() {
    Client ida = SETTING.as("ida");
    SETTING.revoke("ida", "elr_memories", "personalization", "analytics");
    List<HttpReply> answers =
        List.of(
            ida.post("/v1/cognitive/life-story/start", "{\"user_id\":\"ida\"}"),
            ida.get("/v1/cognitive/life-story/sessions/ida"),
            ida.get("/v1/cognitive/world-day-activities/ida"),
            ida.post("/v1/cognitive/recommendations", "{\"user_id\":\"ida\"}"),
            ida.post("/v1/cognitive/analyze/ida", "{}"),
            ida.post(
                "/v1/cognitive/images/photo-reminiscence",
                "{\"user_id\":\"ida\",\"answers\":[\"the sea\"]}"));
    for (HttpReply answer : answers) {
      assertEquals("CONSENT_DENIED", answer.code(), answer.body());
      assertEquals(403, answer.status());
    }
    assertEquals(List.of(), SETTING.calls("cognitive"));
  }

  @Test
  void S8_anIdIsOneSegmentOfThePath() {
    Client odd = SETTING.as("a?b=c&d#e f");
    String encoded = "a%3Fb%3Dc%26d%23e%20f";
    odd.get("/v1/cognitive/world-day-activities/" + encoded).expect(200);
    odd.get("/v1/engagement/metrics/" + encoded).expect(200);
    odd.get("/v1/elr/users/" + encoded + "/stats").expect(200);
    URI activities = URI.create(SETTING.calls("cognitive").getFirst().path());
    assertEquals("/world-day-activities/a?b=c&d#e f", activities.getPath());
    assertEquals(
        "/metrics/a?b=c&d#e f",
        URI.create(SETTING.calls("engagement").getFirst().path()).getPath());
    assertEquals(
        "/search/memories/a?b=c&d#e f/stats",
        URI.create(SETTING.calls("memory").getFirst().path()).getPath());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a%2Fb", "a%5Cb", "%2e%2e", "..", "a%0Ab", "a%252Fb", "a%00"})
  void S8_anIdThatWouldChangeThePathIsRefused(String id) {
    Client anyone = SETTING.withKey(SETTING.gateway().keyWithRole(List.of("*"), "admin"));
    anyone.get("/v1/cognitive/world-day-activities/" + id).expect(400);
    Json inBody = Json.object().put("user_id", "../" + id).put("message", "a").build();
    anyone.post("/v1/chat", inBody.toString()).expect(400);
    SETTING.assertNothingWasCalled(id);
  }

  /** A route of the published contract that needs a credential. */
  record DataRoute(String method, String template, boolean takesBody, boolean userInQuery) {
    static List<DataRoute> all(Fixture setting) {
      List<DataRoute> routes = new ArrayList<>();
      Json paths = setting.stranger().get("/openapi.json").json().at("paths");
      for (Map.Entry<String, Json> path : paths.members().entrySet()) {
        for (Map.Entry<String, Json> operation : path.getValue().members().entrySet()) {
          if (operation.getValue().at("security").size() > 0) {
            routes.add(of(operation.getKey(), path.getKey(), operation.getValue()));
          }
        }
      }
      return routes;
    }

    private static DataRoute of(String method, String template, Json operation) {
      return new DataRoute(
          method.toUpperCase(Locale.ROOT),
          template,
          !operation.at("requestBody").isMissing(),
          operation.at("parameters").toString().contains("UserIdQuery"));
    }

    boolean namesAUser() {
      // A ticket is for any query, which is checked when it is used; webhooks are a caller's own.
      if (List.of("/v1/stream-tickets", "/v1/jobs/{job_id}").contains(template)
          || template.startsWith("/v1/webhooks")) {
        return false;
      }
      return takesBody || userInQuery || template.contains("{");
    }

    /** With maria_k's id where the contract defines it. */
    String target() {
      boolean item =
          (template.equals("/v1/elr/items/{id}") && !method.equals("GET"))
              || (template.equals("/api/elr/items/{id}") && method.equals("DELETE"));
      boolean session = template.endsWith("/sessions/{id}") && method.equals("DELETE");
      String id = item ? "maria_k_0123456789ab" : session ? "ls_1" : "maria_k";
      String path =
          template
              .replace("{user_id}", "maria_k")
              .replace("{item_id}", "maria_k_0123456789ab")
              .replace("{webhook_id}", "wh_" + "0".repeat(32))
              .replace("{job_id}", "job_" + "0".repeat(32))
              .replace("{id}", id);
      return userInQuery ? path + "?user_id=maria_k" : path;
    }

    /** The code of an error; of version 0, which shows no code, the one that has its message. */
    String code(HttpReply answer) {
      String detail = answer.json().at("detail").string("");
      for (ErrorCode code : ErrorCode.values()) {
        if (template.startsWith("/api/") && ApiError.of(code).message().equals(detail)) {
          return code.name();
        }
      }
      return answer.code();
    }

    HttpReply send(Client caller) {
      return caller.send(method, target(), takesBody ? "{\"user_id\":\"maria_k\"}" : null);
    }

    @Override
    public String toString() {
      return method + " " + template;
    }
  }
}
