package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The old interface below {@code /api}: its shapes, on the operations of {@code /v1}. */
class VersionZeroTest {
  @AutoClose private static final Fixture SERVER = Fixture.start();
  private static final Client MARIA = SERVER.maria();
  private static final String ITEMS = "/api/elr/items/maria_k";
  private static final String TURNS =
      """
      {"messages": [{"role": "user", "content": "Good morning"},
                    {"role": "assistant", "content": "Good morning, Maria"},
                    {"role": "user", "content": "And now?", "id": 7}],
       "user_id": "maria_k", "session_id": null, "client_tag": "web", "persona_id": "luki",
       "wallet": {"address": "0x1"}, "world_day_context": {"name": "Tea Day"}, "extra": 1}
      """;

  @TempDir private Path directory;

  @BeforeEach
  void forget() {
    SERVER.forget();
  }

  @Test
  void aChatHasTheOldShapeAndReachesTheAgentAsVersionOneDoes() {
    HttpReply reply = MARIA.post("/api/chat", TURNS).expect(200);
    Json json = reply.json();
    assertEquals(Set.of("message", "session_id", "metadata"), json.members().keySet());
    assertEquals("assistant", json.at("message").at("role").string());
    assertFalse(json.at("message").at("content").string("").isBlank());
    assertEquals(36, json.at("session_id").string("").length());
    assertTrue(json.at("metadata").at("web_search_used").isFalse());
    Json sent = parsed(SERVER.calls("agent").getFirst().body());
    assertEquals("And now?", sent.at("message").string());
    assertEquals("maria_k", sent.at("user_id").string());
    assertEquals("web", sent.at("client_tag").string());
    Json context = sent.at("context");
    assertEquals("luki", context.at("persona_id").string());
    assertEquals("Tea Day", context.at("world_day").at("name").string());
    assertTrue(context.at("wallet").isMissing());
    assertEquals(
        "[{\"role\":\"user\",\"content\":\"Good morning\"},"
            + "{\"role\":\"assistant\",\"content\":\"Good morning, Maria\"}]",
        context.at("conversation_history").toString().replace(",\"id\":7", ""));
  }

  @Test
  void aPathThatTheServerRefusesHasTheOldBodyToo() {
    assumeTrue(TestGateway.isEdge(), "the JDK's server answers these itself");
    for (String item : List.of("%zz", "%2F", "..")) {
      String request =
          "GET /api/elr/items/" + item + " HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n";
      HttpReply reply =
          RawHttpClient.exchange(
              SERVER.gateway().port(), request.getBytes(StandardCharsets.US_ASCII));
      assertEquals("{\"detail\":\"The request is not valid\"}", reply.expect(400).body(), item);
      assertTrue(reply.header("Deprecation").isPresent(), item);
    }
  }

  @Test
  void aChatSaysWhetherTheWebWasSearched() {
    try (Fixture server = Fixture.start()) {
      String reply = "{\"response\":\"Found\",\"metadata\":{\"tool_name\":\"web_search\"}}";
      server.reply("agent", "POST", "/v1/chat", 200, reply);
      Json json = server.maria().post("/api/chat", TURNS).expect(200).json();
      assertTrue(json.at("metadata").at("web_search_used").isTrue());
    }
  }

  @Test
  void aChatWithoutMessagesOrWhoseLastTurnIsNotTheUsersIs400() {
    for (String messages :
        List.of(
            "[]",
            "[{\"role\":\"assistant\",\"content\":\"Hi\"}]",
            "[{\"role\":\"user\",\"content\":\" \"}]",
            "[{\"role\":\"system\",\"content\":\"x\"},{\"role\":\"user\",\"content\":\"Hi\"}]",
            "\"Hi\"")) {
      String body = "{\"user_id\":\"maria_k\",\"messages\":" + messages + "}";
      for (String path : List.of("/api/chat", "/api/chat/stream")) {
        assertEquals(
            "{\"detail\":\"The request is not valid\"}", MARIA.post(path, body).expect(400).body());
      }
    }
    SERVER.assertNothingWasCalled("by a request that is not valid");
  }

  /** The old gateway took network reads for events, and errors for success. */
  @Test
  void R6_aStreamHasTheOldEventsWithoutIdsAndNames() {
    HttpReply reply = MARIA.post("/api/chat/stream", TURNS).expect(200);
    assertEquals("text/event-stream; charset=utf-8", reply.only("Content-Type"));
    List<String> events = List.of(reply.body().split("\n\n"));
    assertEquals("data: {\"done\": true}", events.getLast());
    assertTrue(events.size() > 1);
    for (String event : events.subList(0, events.size() - 1)) {
      assertTrue(event.startsWith("data: {\"token\": \""), event);
    }
  }

  @Test
  void R6_aStreamThatBreaksEndsWithTheOldErrorEvent() {
    String head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    String token = "data: {\"token\": \"caf\\u00e9 \\u2615\"}\n\n";
    String failed = "data: {\"error\": \"/srv/agent.py: secret\"}\n\n";
    try (Fixture server =
        Fixture.with(
            "AGENT_URL",
            (connection, request) -> {
              connection.send(head + token + failed);
              connection.close();
            })) {
      HttpReply reply = server.maria().post("/api/chat/stream", TURNS).expect(200);
      assertEquals(
          "data: {\"token\": \"café ☕\"}\n\ndata: {\"error\": \"Agent service failed\"}\n\n",
          reply.body());
    }
  }

  @Test
  void aStreamThatNeverBeganIsARealStatus() {
    try (Fixture server = Fixture.start()) {
      server.reply("agent", "POST", "/v1/chat/stream", 500, "{\"detail\":\"secret\"}");
      HttpReply reply = server.maria().post("/api/chat/stream", TURNS).expect(502);
      assertEquals("{\"detail\":\"Agent service failed\"}", reply.body());
    }
  }

  @Test
  void R5_anItemIsKeptListedFoundAndDeletedInTheOldShape() {
    String kept = "{\"content\":\"Tea with Anna\",\"tags\":[\"tea\"],\"metadata\":null}";
    Json item = MARIA.post(ITEMS, kept).expect(201).json();
    Set<String> members = Set.of("id", "content", "created_at", "tags", "metadata");
    assertEquals(members, item.members().keySet());
    assertEquals("Tea with Anna", item.at("content").string());
    assertEquals("[\"tea\"]", item.at("tags").toString());
    for (String target :
        List.of(
            ITEMS,
            ITEMS + "?limit=5&offset=0",
            ITEMS + "/search?query=tea",
            ITEMS + "/search?query=%20",
            ITEMS + "/search?query=&limit=3")) {
      Json page = MARIA.get(target).expect(200).json();
      assertEquals(Set.of("items", "total", "user_id"), page.members().keySet());
      Json listed = page.at("items").at(0);
      assertEquals(item.at("id"), listed.at("id"), target);
      assertEquals(item.at("tags"), listed.at("tags"), target);
      page.at("items").items().forEach(one -> assertEquals(members, one.members().keySet()));
    }
    // S16: a success is answered only for what is gone.
    String id = item.at("id").string("");
    MARIA.delete("/api/elr/items/" + id).expect(204);
    assertFalse(MARIA.get(ITEMS).json().at("items").toString().contains(id));
  }

  @Test
  void R5_aListHasFiftyItemsUnlessItIsLimited() {
    try (Fixture server = Fixture.start()) {
      Client maria = server.maria();
      for (int i = 0; i < 51; i++) {
        maria.post("/v1/elr/items", "{\"user_id\":\"maria_k\",\"text\":\"Day %d\"}".formatted(i));
      }
      assertEquals(50, maria.get(ITEMS).json().at("items").size());
      assertEquals(7, maria.get(ITEMS + "?limit=7").json().at("items").size());
      assertEquals(10, maria.get(ITEMS + "/search?query=day").json().at("items").size());
    }
  }

  @Test
  void S16_aDeletionThatFailedIsNoSuccess() {
    try (Fixture server = Fixture.start()) {
      server.reply("memory", "DELETE", "/delete", 500, "{\"detail\":\"secret\"}");
      HttpReply reply = server.maria().delete("/api/elr/items/maria_k_057def19f4ac").expect(502);
      assertEquals("{\"detail\":\"Memory service failed\"}", reply.body());
    }
  }

  @Test
  void S18_sizesCountsAndRangesAreBounded() {
    for (String target :
        List.of(
            ITEMS + "?limit=101",
            ITEMS + "?limit=0",
            ITEMS + "?offset=-1",
            ITEMS + "?offset=1001",
            ITEMS + "?zz=1",
            ITEMS + "/search",
            ITEMS + "/search?query=tea&limit=51",
            ITEMS + "/search?query=" + "x".repeat(1001))) {
      MARIA.get(target).expect(400);
    }
    String turn = "{\"role\":\"user\",\"content\":\"x\"}";
    String turns = (turn + ",").repeat(201) + turn;
    MARIA.post("/api/chat", "{\"user_id\":\"maria_k\",\"messages\":[" + turns + "]}").expect(400);
    MARIA.post(ITEMS, "{\"content\":\"x\",\"tags\":[" + "1,".repeat(40) + "1]}").expect(400);
    MARIA.post(ITEMS, "{\"content\":\"" + "x".repeat(1_100_000) + "\"}").expect(413);
    SERVER.assertNothingWasCalled("by a request beyond its limits");
  }

  @Test
  void lifeStoriesArePassedOnAsInVersionOneAndAnswer200() {
    try (Fixture server = Fixture.start()) {
      server.reply("cognitive", "POST", "/life-story/start", 201, "{\"session_id\":\"ls_9\"}");
      Client maria = server.maria();
      String started =
          maria
              .post("/api/cognitive/life-story/start", "{\"user_id\":\"maria_k\"}")
              .expect(200)
              .body();
      assertEquals("{\"session_id\":\"ls_9\"}", started);
      maria.get("/api/cognitive/life-story/sessions/maria_k?include_chunks=true").expect(200);
      Seen seen = server.calls("cognitive").getLast();
      assertEquals("/life-story/sessions/maria_k?include_chunks=true", seen.path());
      server.reply("cognitive", "GET", "/life-story/phases", 404, "{\"detail\":\"secret\"}");
      HttpReply absent = maria.get("/api/cognitive/life-story/phases").expect(404);
      assertEquals("{\"detail\":\"Not found\"}", absent.body());
    }
  }

  @Test
  void theSameCredentialScopeOwnerAndConsentAreNeeded() {
    String anna = TURNS.replace("maria_k", "anna");
    SERVER.stranger().post("/api/chat", TURNS).expect(401);
    SERVER.gateway().client("elr:read").post("/api/chat", TURNS).expect(403);
    MARIA.post("/api/chat", anna).expect(403);
    MARIA.get("/api/elr/items/anna").expect(403);
    MARIA.get("/api/elr/items/anna/search?query=").expect(403);
    MARIA.delete("/api/elr/items/anna_057def19f4ac").expect(403);
    MARIA.post(ITEMS, "{\"content\":\"x\",\"user_id\":\"anna\"}").expect(400);
    SERVER.assertNothingWasCalled("for another user");
    Client bob = SERVER.as("bob");
    SERVER.revoke("bob", "elr_memories");
    for (String target : List.of("", "/search?query=a", "/search?query=")) {
      assertEquals(
          "{\"detail\":\"The user has not consented\"}",
          bob.get("/api/elr/items/bob" + target).expect(403).body());
    }
    assertEquals(List.of(), SERVER.calls("memory"));
  }

  @Test
  void everyReplyNamesTheEndAndTheSuccessor() {
    String page = "</docs#tag/version-0>; rel=\"deprecation sunset\"; type=\"text/html\"";
    for (HttpReply reply :
        List.of(
            MARIA.post("/api/chat", TURNS).expect(200),
            MARIA.post("/api/chat/stream", TURNS).expect(200),
            MARIA.post("/api/chat", "{").expect(400),
            SERVER.stranger().post("/api/chat", TURNS).expect(401),
            MARIA.get(ITEMS).expect(200))) {
      announces(reply);
      assertTrue(reply.only("Link").endsWith(", " + page), reply::toString);
    }
    assertEquals(
        "</v1/chat>; rel=\"successor-version\", " + page,
        MARIA.post("/api/chat", TURNS).only("Link"));
    assertEquals(page, MARIA.get("/api/elr/items/anna").expect(403).only("Link"));
    HttpReply list = SERVER.as("x\"> y").get("/api/elr/items/x%22%3E%20y").expect(200);
    assertEquals(
        "</v1/elr/items/x%22%3E%20y>; rel=\"successor-version\", " + page, list.only("Link"));
    for (HttpReply reply :
        List.of(
            MARIA.get("/api/chat").expect(405),
            MARIA.get("/api/nowhere").expect(404),
            MARIA.send("OPTIONS", "/api/chat", null).expect(204))) {
      announces(reply);
    }
    assertEquals("{\"detail\":\"Not found\"}", MARIA.get("/api/nowhere").body());
    assertEquals(List.of(), MARIA.get("/v1/elr/items/maria_k").all("Deprecation"));
    assertEquals(List.of(), MARIA.get("/apix").all("Deprecation"));
  }

  private static void announces(HttpReply reply) {
    assertEquals("@1793491200", reply.only("Deprecation"));
    assertEquals("Fri, 31 Dec 2027 00:00:00 GMT", reply.only("Sunset"));
  }

  @Test
  void theLogSaysWhoStillCallsIt() {
    try (Fixture server = Fixture.start()) {
      Client maria = server.maria();
      maria.post("/api/chat", TURNS).expect(200);
      maria.post("/v1/chat", Fixture.CHAT).expect(200);
      List<String> log = server.gateway().awaitLog(2);
      assertTrue(log.getFirst().endsWith(",\"version\":\"0\"}"), log::toString);
      assertTrue(log.getFirst().contains("\"route\":\"/api/chat\""), log::toString);
      assertFalse(log.get(1).contains("\"version\""), log::toString);
      assertEquals(principal(log.get(1)), principal(log.getFirst()));
      String counter =
          "http_server_request_duration_seconds_count{http_request_method=\"POST\","
              + "http_response_status_code=\"200\",http_route=\"/api/chat\"}";
      assertEquals("1", server.gateway().metric(counter));
    }
  }

  private static Json parsed(String json) {
    return new HttpReply(200, Map.of(), json, json).json();
  }

  private static String principal(String line) {
    return line.replaceFirst(".*\"principal\":\"([^\"]+)\".*", "$1");
  }

  @Test
  void afterTheSunsetItIsGoneBeforeACredentialIsLookedAt() throws IOException {
    try (TestGateway gateway =
        with("sunset: '2027-12-31T00:00:00Z'", "sunset: '2026-11-02T00:00:00Z'")) {
      HttpReply gone = gateway.stranger().post("/api/chat", TURNS).expect(410);
      assertEquals("{\"detail\":\"This version is no longer available\"}", gone.body());
      assertEquals("Mon, 02 Nov 2026 00:00:00 GMT", gone.only("Sunset"));
      assertTrue(gone.only("Link").startsWith("</v1/chat>"), gone::toString);
      gateway.stranger().send("OPTIONS", "/api/chat", null).expect(204);
      gateway.stranger().get("/api/nowhere").expect(404);
      gateway.stranger().post("/v1/chat", TURNS).expect(401);
    }
  }

  /** The mechanism is data: here the current version is to end, in favour of another. */
  @Test
  void anotherVersionNeedsOnlyTheContract() throws IOException {
    String versions =
        """
        x-gateway-versions:
          '1':
            prefix: /v1
            deprecated: '2027-06-01T00:00:00Z'
            sunset: '2029-01-01T00:00:00Z'
        """;
    try (TestGateway gateway = with("x-gateway-versions:\n", versions)) {
      HttpReply reply = gateway.client("elr:read").get("/v1/elr/items/anna").expect(403);
      assertEquals("NOT_OWNER", reply.code());
      assertEquals("Mon, 01 Jan 2029 00:00:00 GMT", reply.only("Sunset"));
      announces(gateway.client("elr:read").get("/api/elr/items/anna").expect(403));
    }
  }

  /** The caller was allowed to act for the user of the old request, and for no other one. */
  @Test
  void aTemplateThatNamesAnotherUserIsAFaultAndCallsNoHandler() throws IOException {
    String template =
        "            user_id: $body/%s\n            message: $body/messages/-1/content";
    try (TestGateway gateway =
        with(template.formatted("user_id"), template.formatted("persona_id"))) {
      gateway
          .client("chat:write")
          .post(
              "/api/chat",
              """
              {"user_id":"maria_k","persona_id":"anna","messages":[{"role":"user","content":"Hi"}]}
              """)
          .expect(500);
    }
  }

  private TestGateway with(String text, String other) throws IOException {
    String contract = Files.readString(Path.of("config/openapi.yaml"));
    assertTrue(contract.contains(text));
    Path changed =
        Files.writeString(directory.resolve("openapi.yaml"), contract.replace(text, other));
    return TestGateway.builder().with("OPENAPI_FILE", changed.toString()).start();
  }
}
