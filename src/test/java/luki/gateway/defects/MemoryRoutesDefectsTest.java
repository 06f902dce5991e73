package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Storing, searching, listing and counting, with a memory service that has a store. */
@Timeout(60)
class MemoryRoutesDefectsTest {
  @AutoClose private final Fixture setting = Fixture.start();

  static String item(String user, String text) {
    return Json.object().put("user_id", user).put("text", text).build().toString();
  }

  private static String encoded(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  static List<String> texts(HttpReply list) {
    assertEquals(200, list.status(), list.body());
    List<String> texts = new ArrayList<>();
    list.json().at("items").items().forEach(item -> texts.add(item.at("text").string()));
    return texts;
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/elr/ingest_text", "/v1/elr/items"})
  void R5_anItemIsReturnedAsItWasStored(String path) {
    String given =
        """
        {"user_id":"maria_k","text":"Cherries in June 🍒","tags":["garden","ž"],\
        "metadata":{"place":"Kalamata","year":1961,"warm":true,"rating":4.5},\
        "sensitivity":"sensitive"}\
        """;
    Client maria = setting.maria();
    HttpReply kept = maria.post(path, given).expect(201);
    assertTrue(kept.json().at("id").string().matches("maria_k_[0-9a-f]{12}"), kept.body());
    Json listed = maria.get(Fixture.ITEMS).json().at("items").at(0);
    for (Json item : List.of(kept.json(), listed)) {
      assertEquals("Cherries in June 🍒", item.at("text").string());
      assertEquals("[\"garden\",\"ž\"]", item.at("tags").toString());
      assertEquals("sensitive", item.at("sensitivity").string());
      assertEquals("memory", item.at("content_type").string());
      assertEquals(4, item.at("metadata").size(), item.toString());
      assertEquals("Kalamata", item.at("metadata").at("place").string());
      assertEquals(1961, item.at("metadata").at("year").integer().orElseThrow());
      assertTrue(item.at("metadata").at("warm").isTrue());
      assertTrue(item.at("similarity_score").isMissing());
      assertEquals(kept.json().at("id"), item.at("id"));
    }
  }

  @Test
  void R5_theMemoryServiceGetsItsOwnFormat() throws InvalidJson {
    setting.maria().post("/v1/elr/items", item("maria_k", "the sea"));
    Json told = Json.parseReply(setting.calls("memory").getLast().body());
    assertEquals("maria_k", told.at("user_id").string());
    assertEquals("private", told.at("consent_level").string());
    assertEquals("personal", told.at("sensitivity_level").string());
    assertEquals("gateway", told.at("source_file").string());
    Json data = told.at("elr_data");
    assertEquals("the sea", data.at("content").string());
    assertEquals("memory", data.at("content_type").string());
    assertTrue(data.at("timestamp").string().endsWith("Z"));
    assertEquals("{}", data.at("metadata").toString(), "no tags, so nothing is said of them");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"success\":false,\"chunk_ids\":[],\"errors\":[\"x\"]}",
        "{\"success\":false,\"chunk_ids\":[\"maria_k_0123456789ab\"]}",
        "{\"success\":\"true\",\"chunk_ids\":[\"maria_k_0123456789ab\"]}",
        "{\"success\":true,\"chunk_ids\":[]}",
        "{\"success\":true,\"chunk_ids\":null}",
        "{\"success\":true}",
        "{\"chunk_ids\":[\"maria_k_0123456789ab\"]}",
        "created"
      })
  void R5_a200ThatStoredNothingIsAnError(String body) {
    setting.reply("memory", "POST", "/ingestion/elr", 200, body);
    setting
        .maria()
        .post("/v1/elr/items", item("maria_k", "the sea"))
        .expect(502, "DOWNSTREAM_ERROR");
  }

  @Test
  void R5_aListHasPagesNewestFirst() {
    Client maria = setting.maria();
    for (int i = 1; i <= 5; i++) {
      maria.post("/v1/elr/items", item("maria_k", "text " + i)).expect(201);
    }
    HttpReply page = maria.get("/v1/elr/items/maria_k?limit=2&offset=1");
    assertEquals(List.of("text 4", "text 3"), texts(page));
    assertEquals(5, page.json().at("total").integer().orElseThrow());
    assertEquals(2, page.json().at("limit").integer().orElseThrow());
    assertEquals(1, page.json().at("offset").integer().orElseThrow());
    assertTrue(page.json().at("truncated").isFalse());
    assertEquals("maria_k", page.json().at("user_id").string());
    assertEquals(List.of("text 1"), texts(maria.get("/v1/elr/items/maria_k?offset=4")));
    assertEquals(List.of(), texts(maria.get("/v1/elr/items/maria_k?offset=5")));
  }

  @Test
  void R5_moreThanFiftyFitOnAPage() {
    Client maria = setting.maria();
    for (int i = 0; i < 55; i++) {
      maria.post("/v1/elr/items", item("maria_k", "text " + i));
    }
    assertEquals(55, texts(maria.get("/v1/elr/items/maria_k?limit=100")).size());
    assertEquals(20, texts(maria.get(Fixture.ITEMS)).size());
  }

  @Test
  void R5_itemsOfTheSameTimeAreOrderedById() {
    String entry =
        """
        {"content":"%1$s","metadata":{"user_id":"maria_k"},"chunk_id":"maria_k_%1$s",\
        "created_at":"2026-11-23T14:42:38%2$s"}\
        """;
    String results =
        String.join(
            ",",
            entry.formatted("c", ".5"),
            entry.formatted("a", ".500000"),
            entry.formatted("b", ".5+00:00"),
            entry.formatted("z", ".6"));
    String body = "{\"results\":[%s],\"total_count\":1000}".formatted(results);
    setting.reply("memory", "POST", "/search/memories", 200, body);
    HttpReply list = setting.maria().get(Fixture.ITEMS);
    assertEquals(List.of("z", "a", "b", "c"), texts(list));
    assertTrue(list.json().at("truncated").isTrue(), list.body());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"total_count\":0}",
        "{\"results\":null}",
        "{\"results\":{}}",
        "{\"results\":[{\"chunk_id\":\"maria_k_a\",\"metadata\":{},\"created_at\":\"x\"}]}",
        "[]",
        ""
      })
  void R5_aReplyWithoutAListIsAnErrorAndNotEmpty(String body) {
    setting.reply("memory", "POST", "/search/memories", 200, body);
    Client maria = setting.maria();
    maria.get(Fixture.ITEMS).expect(502);
    String search = Fixture.SEARCH;
    maria.post("/v1/elr/search", search).expect(502);
  }

  @Test
  void R5_aSearchReturnsTheBestFirstUpToTheLimit() throws InvalidJson {
    Client maria = setting.maria();
    for (String text : List.of("red cherries", "blue sea", "cherries in the red garden")) {
      maria.post("/v1/elr/items", item("maria_k", text));
    }
    setting.as("anna").post("/v1/elr/items", item("anna", "red garden cherries"));
    setting.forget();
    String query = "{\"user_id\":\"maria_k\",\"query\":\"garden red cherries\",\"limit\":2}";
    HttpReply found = maria.post("/v1/elr/search", query);
    assertEquals(List.of("cherries in the red garden", "red cherries"), texts(found));
    assertEquals(2, found.json().at("total").integer().orElseThrow());
    assertFalse(found.body().contains("score"), found.body());
    Json told = Json.parseReply(setting.calls("memory").getFirst().body());
    assertEquals("garden red cherries", told.at("query").string());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a_b_c_d", "žiga", "Ω 🙂", "o'neil@example.org", "user-1.2~x"})
  void R5_anyUserIdWorksOnEveryMemoryRoute(String user) {
    Client caller = setting.as(user);
    String path = encoded(user);
    HttpReply kept = caller.post("/v1/elr/ingest_text", item(user, "one")).expect(201);
    String id = kept.json().at("id").string();
    assertTrue(id.startsWith(user + "_"), id);
    assertEquals(List.of("one"), texts(caller.get("/v1/elr/items/" + path)));
    HttpReply changed = caller.put("/v1/elr/items/" + encoded(id), item(user, "two"));
    assertEquals(id, changed.json().at("replaces").string(), changed.body());
    assertEquals(List.of("two"), texts(caller.get("/v1/elr/items/" + path)));
    caller.post("/v1/elr/items", item(user, "three"));
    HttpReply stats = caller.get("/v1/elr/users/" + path + "/stats");
    assertEquals(2, stats.json().at("total_memories").integer().orElseThrow(), stats.body());
    String newId = changed.json().at("id").string();
    caller.delete("/v1/elr/items/" + encoded(newId)).expect(204);
    assertEquals(List.of("three"), texts(caller.get("/v1/elr/items/" + path)));
    HttpReply erased = caller.delete("/v1/elr/users/" + path);
    assertEquals(1, erased.json().at("deleted").integer().orElseThrow(), erased.body());
    assertEquals(List.of(), texts(caller.get("/v1/elr/items/" + path)));
  }

  @Test
  void R5_statsHaveFiveFieldsAndZerosForAUserWithoutItems() {
    Client maria = setting.maria();
    Json none = maria.get("/v1/elr/users/maria_k/stats").json();
    assertEquals(0, none.at("total_memories").integer().orElseThrow());
    maria.post("/v1/elr/items", item("maria_k", "the sea"));
    Json some = maria.get("/v1/elr/users/maria_k/stats").json();
    assertEquals(
        List.of("user_id", "total_memories", "recent_memories", "content_types", "consent_levels"),
        List.copyOf(some.members().keySet()));
    assertEquals(1, some.at("consent_levels").at("private").integer().orElseThrow());
    setting.reply("memory", "GET", "/search", 200, "{\"a\":1}");
    maria.get("/v1/elr/users/maria_k/stats").expect(502);
  }
}
