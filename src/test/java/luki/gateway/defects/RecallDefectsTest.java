package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import luki.gateway.http.UserId;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every memory of a user is found, whatever other users have stored. */
@Timeout(120)
class RecallDefectsTest {
  private static final List<String> TOPICS =
      List.of(
          "sea",
          "garden",
          "bakery",
          "school",
          "harbour",
          "wedding",
          "piano",
          "market",
          "vineyard",
          "chapel");
  private static final int USERS = 60;
  private static final int ASKING = 30;

  @AutoClose private final Fixture setting = Fixture.start();

  private void keep(String user, String text) {
    String body =
        Json.object()
            .put("user_id", user)
            .put("elr_data", Json.object().put("content", text).build())
            .build()
            .toString();
    new Client(setting.services().url("memory"), null).post("/ingestion/elr", body).expect(200);
  }

  private static String memoryOf(String user, String topic) {
    return "On Sundays " + user + " walked to the " + topic + " with the family";
  }

  private void everyUserHasTenSimilarMemories() {
    for (String topic : TOPICS) {
      for (int i = 0; i < USERS; i++) {
        keep("user" + i, memoryOf("user" + i, topic));
      }
    }
  }

  private Client everyone() {
    for (int i = 0; i < USERS; i++) {
      setting.services().grant("user" + i, "elr_memories");
    }
    return setting.withKey(setting.gateway().keyWithRole(List.of("*"), "admin"));
  }

  private static String question(String user, int n, String member) {
    String words = "walked on Sundays to the " + TOPICS.get(n % TOPICS.size());
    return Json.object().put("user_id", user).put(member, words).build().toString();
  }

  @Test
  void aSearchFindsTheMemoryOfEachOfThirtyUsersAmongSixty() {
    everyUserHasTenSimilarMemories();
    Client everyone = everyone();
    int found = 0;
    for (int i = 0; i < ASKING; i++) {
      String user = "user" + (USERS - 1 - i);
      HttpReply reply = everyone.post("/v1/elr/search", question(user, i, "query"));
      List<String> texts = MemoryRoutesDefectsTest.texts(reply);
      assertEquals(TOPICS.size(), new HashSet<>(texts).size(), reply.body());
      found += texts.getFirst().equals(memoryOf(user, TOPICS.get(i % TOPICS.size()))) ? 1 : 0;
    }
    assertEquals(ASKING, found);
  }

  @Test
  void aChatFindsTheMemoryOfEachOfThirtyUsersAmongSixty() throws InvalidJson {
    everyUserHasTenSimilarMemories();
    Client everyone = everyone();
    int found = 0;
    for (int i = 0; i < ASKING; i++) {
      String user = "user" + (USERS - 1 - i);
      setting.forget();
      HttpReply reply = everyone.post("/v1/chat", question(user, i, "message"));
      assertEquals("used", reply.json().pointer("/meta/memory").string(), reply.body());
      List<String> texts = rememberedByTheAgent();
      assertEquals(5, texts.size());
      found += texts.contains(memoryOf(user, TOPICS.get(i % TOPICS.size()))) ? 1 : 0;
    }
    assertEquals(ASKING, found);
  }

  private List<String> rememberedByTheAgent() throws InvalidJson {
    Json request = Json.parseReply(setting.calls("agent").getLast().body());
    List<String> texts = new ArrayList<>();
    for (Json entry : request.at("context").at("memory_context").items()) {
      texts.add(entry.at("content").string());
    }
    return texts;
  }

  /** 300 memories that are nearer to the question leave none of the 150 nearest for this user. */
  private void othersHaveNearlyTheSameMemory() {
    for (int i = 0; i < 300; i++) {
      keep("user" + i % USERS, "We walked along the sea with grandfather, time " + i);
    }
  }

  @Test
  void aMemoryIsFoundWhereOthersHave300ThatAreNearer() throws InvalidJson {
    othersHaveNearlyTheSameMemory();
    Client maria = setting.maria();
    keep("maria_k", "Grandfather baked bread");
    String query = "grandfather walked along the sea with time";
    String search = "{\"user_id\":\"maria_k\",\"query\":\"%s\"}".formatted(query);
    assertEquals(
        List.of("Grandfather baked bread"),
        MemoryRoutesDefectsTest.texts(maria.post("/v1/elr/search", search)));
    String chat = "{\"user_id\":\"maria_k\",\"message\":\"%s\"}".formatted(query);
    HttpReply reply = maria.post("/v1/chat", chat);
    assertEquals("used", reply.json().pointer("/meta/memory").string());
    assertEquals(List.of("Grandfather baked bread"), rememberedByTheAgent());
    String stream = maria.post("/v1/chat/stream", chat).body();
    assertTrue(stream.contains("\"memory\":\"used\""), stream);
  }

  @Test
  void whatTheListAddsIsRankedByTheWordsOfTheQueryAndThenByTime() {
    othersHaveNearlyTheSameMemory();
    for (String text : List.of("The sea", "Bread", "Walked by the SEA!", "Milk", "Walked")) {
      keep("maria_k", text);
    }
    String search = "{\"user_id\":\"maria_k\",\"query\":\"we walked, along the sea\",\"limit\":4}";
    HttpReply found = setting.maria().post("/v1/elr/search", search);
    assertEquals(
        List.of("Walked by the SEA!", "The sea", "Walked", "Milk"),
        MemoryRoutesDefectsTest.texts(found));
    assertEquals(4, found.json().at("total").integer().orElseThrow());
  }

  @Test
  void noMemoriesIsSaidOnlyToAUserWithoutAny() {
    Client maria = setting.maria();
    assertEquals("none", memoryUse(maria));
    // The search brings nothing, and that there is nothing else cannot be confirmed.
    List<String> calls = memoryCalls();
    assertEquals(2, calls.size(), calls.toString());
    String none = "{\"results\":[],\"total_count\":0}";
    try (Fixture halfBroken =
        Fixture.with(
            "MEMORY_URL",
            (connection, request) -> {
              boolean list = request.contains("\"query\":\" \"");
              connection.reply(list ? "500 Internal Server Error" : "200 OK", none);
            })) {
      assertEquals("unavailable", memoryUse(halfBroken.maria()));
      halfBroken.maria().post("/v1/elr/search", Fixture.SEARCH).expect(502);
    }
  }

  private static String memoryUse(Client caller) {
    return caller.post("/v1/chat", Fixture.CHAT).json().pointer("/meta/memory").string();
  }

  private List<String> memoryCalls() {
    return setting.calls("memory").stream().map(Seen::body).toList();
  }

  @Test
  void aSearchThatIsFullNeedsNoList() throws InvalidJson {
    for (int i = 0; i < 12; i++) {
      keep("maria_k", "the sea, time " + i);
    }
    Client maria = setting.maria();
    setting.forget();
    String search = "{\"user_id\":\"maria_k\",\"query\":\"sea\"}";
    assertEquals(10, MemoryRoutesDefectsTest.texts(maria.post("/v1/elr/search", search)).size());
    assertEquals(1, memoryCalls().size());
    assertEquals(50, Json.parseReply(memoryCalls().getFirst()).at("k").integer().orElseThrow());
    setting.forget();
    assertEquals("used", memoryUse(maria));
    assertEquals(1, memoryCalls().size());
    assertEquals(50, Json.parseReply(memoryCalls().getFirst()).at("k").integer().orElseThrow());
  }

  @Test
  void memoriesOfAnotherUserAreDroppedInAChatToo() throws InvalidJson {
    String entry =
        """
        {"content":"%1$s","metadata":{"user_id":"%1$s"},"chunk_id":"%1$s_0123456789ab",\
        "created_at":"2026-11-23T14:42:38"}\
        """;
    String results = entry.formatted("anna") + "," + entry.formatted("maria_k");
    setting.reply(
        "memory",
        "POST",
        "/search/memories",
        200,
        "{\"results\":[%s],\"total_count\":2}".formatted(results));
    assertEquals("used", memoryUse(setting.maria()));
    assertEquals(List.of("maria_k"), rememberedByTheAgent());
  }

  @Test
  void userIdsThatAPathCannotCarryAreRefusedWhereverTheyAre() {
    Client admin = setting.withKey(setting.gateway().keyWithRole(List.of("*"), "admin"));
    setting.forget();
    for (String id : List.of("u;x", "a%2fb", "u%41")) {
      assertTrue(UserId.parse(id).isEmpty(), id);
      String encoded = id.replace("%", "%25");
      String item = MemoryRoutesDefectsTest.item(id, "June");
      for (String path : List.of("/v1/elr/items", "/v1/elr/ingest_text")) {
        admin.post(path, item).expect(400, "INVALID_REQUEST");
      }
      admin.post("/v1/elr/search", question(id, 0, "query")).expect(400, "INVALID_REQUEST");
      admin.post("/v1/chat", question(id, 0, "message")).expect(400, "INVALID_REQUEST");
      admin.get("/v1/activities/recommend?user_id=" + encoded).expect(400, "INVALID_REQUEST");
      for (String path : List.of("/v1/elr/items/", "/v1/users/", "/v1/elr/users/")) {
        String rest = path.equals("/v1/users/") ? "/overview" : "";
        String method = path.equals("/v1/elr/users/") ? "DELETE" : "GET";
        admin.send(method, path + encoded + rest, null).expect(400, "INVALID_REQUEST");
      }
      admin.put("/v1/elr/items/" + encoded + "_0123456789ab", item).expect(400, "INVALID_REQUEST");
      admin.delete("/v1/elr/items/" + encoded + "_0123456789ab").expect(400, "INVALID_REQUEST");
    }
    setting.assertNothingWasCalled("no id like that reaches a service");
    Set<String> good = Set.of("100%", "50%4", "u%", "a%zz", "o'neil", "a b");
    for (String id : good) {
      Client owner = setting.as(id);
      HttpReply kept = owner.post("/v1/elr/items", MemoryRoutesDefectsTest.item(id, "June"));
      assertEquals(201, kept.status(), kept.body());
      String path = id.replace("%", "%25").replace(" ", "%20");
      assertEquals(1, MemoryRoutesDefectsTest.texts(owner.get("/v1/elr/items/" + path)).size());
      HttpReply erased = owner.delete("/v1/elr/users/" + path).expect(200);
      assertEquals(1, erased.json().at("deleted").integer().orElseThrow());
    }
  }
}
