package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A success is only answered for what the memory service has stored, and nothing is lost. */
@Timeout(120)
class StoredMemoriesDefectsTest {
  private static final String OLD =
      """
      {"user_id":"maria_k","text":"June","tags":["old"],"sensitivity":"personal"}\
      """;
  private static final String NEW =
      """
      {"user_id":"maria_k","text":"June","tags":["new"],"metadata":{"place":"Graz"},\
      "sensitivity":"confidential"}\
      """;

  @AutoClose private final Fixture setting = Fixture.start();

  private static void isStored(Client maria, Json told) {
    Json items = maria.get(Fixture.ITEMS).expect(200).json().at("items");
    assertEquals(1, items.size(), items.toString());
    for (Json item : List.of(told, items.at(0))) {
      assertEquals("June", item.at("text").string());
      assertEquals("[\"new\"]", item.at("tags").toString());
      assertEquals("{\"place\":\"Graz\"}", item.at("metadata").toString());
      assertEquals("confidential", item.at("sensitivity").string());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/elr/ingest_text", "/v1/elr/items"})
  void aTextThatExistsGetsTheNewTagsAndSensitivity(String path) {
    Client maria = setting.maria();
    Json old = maria.post(path, OLD).expect(201).json();
    Json again = maria.post(path, NEW).expect(201).json();
    assertEquals(old.at("id"), again.at("id"));
    isStored(maria, again);
  }

  @Test
  void aNewTextTakesOneQuestionAndOneIngest() {
    Client maria = setting.maria();
    setting.forget();
    String id = maria.post("/v1/elr/items", OLD).expect(201).json().at("id").string("");
    assertEquals(
        List.of("GET /search/memories/maria_k/similar/" + id + "?k=1", "POST /ingestion/elr"),
        setting.calls("memory").stream().map(seen -> seen.method() + " " + seen.path()).toList());
  }

  @Test
  void aReplacementByTheTextOfAnotherItemGetsTheNewTags() {
    Client maria = setting.maria();
    maria.post("/v1/elr/items", OLD).expect(201);
    String july = MemoryRoutesDefectsTest.item("maria_k", "July");
    String id = maria.post("/v1/elr/items", july).expect(201).json().at("id").string("");
    HttpReply replaced = maria.put("/v1/elr/items/" + id, NEW).expect(200);
    assertEquals(id, replaced.json().at("replaces").string());
    isStored(maria, replaced.json());
  }

  @ParameterizedTest
  @ValueSource(strings = {"POST", "PUT"})
  void aChangeWhoseIngestFailsEachTimeKeepsTheOldMemory(String method) {
    Client maria = setting.maria();
    String id = maria.post("/v1/elr/items", OLD).expect(201).json().at("id").string("");
    setting.forget();
    setting.reply("memory", "POST", "/ingestion/elr", 200, "{\"success\":false,\"chunk_ids\":[]}");
    String path = method.equals("PUT") ? "/v1/elr/items/" + id : "/v1/elr/items";
    maria.send(method, path, NEW).expect(502, "DOWNSTREAM_ERROR");
    assertTrue(
        setting.calls("memory").stream().map(Seen::method).noneMatch("DELETE"::equals),
        "nothing is deleted before the service has shown that it can store");
    setting.services().clearOverrides();
    Json items = maria.get(Fixture.ITEMS).json().at("items");
    assertEquals("[\"old\"]", items.at(0).at("tags").toString());
  }

  @Test
  void anIngestThatFailsOnceAfterTheDeletionIsRepeated() {
    AtomicInteger ingests = new AtomicInteger();
    try (Fixture raw =
        Fixture.with(
            "MEMORY_URL",
            (connection, request) -> {
              if (request.startsWith("POST /ingestion") && ingests.incrementAndGet() == 2) {
                connection.reply("500 Internal Server Error", "{}");
              } else {
                connection.reply(
                    "200 OK",
                    "{\"success\":true,\"status\":\"success\",\"chunk_ids\":[\"maria_k_x\"]}");
              }
            })) {
      raw.maria().post("/v1/elr/items", NEW).expect(201);
      assertEquals(3, ingests.get());
      assertEquals(
          List.of("GET", "POST", "DELETE", "POST", "POST"),
          raw.faultyCalls().stream().map(call -> call.split(" ", 2)[0]).toList());
    }
  }

  @Test
  void nothingIsStoredWhereTheServiceCannotSayWhetherTheTextExists() {
    setting.reply("memory", "GET", "/search/memories/maria_k/similar", 500, "{}");
    Client maria = setting.maria();
    setting.forget();
    maria.post("/v1/elr/items", OLD).expect(502);
    maria.put("/v1/elr/items/maria_k_0123456789ab", OLD).expect(502);
    assertTrue(setting.calls("memory").stream().map(Seen::method).allMatch("GET"::equals));
  }

  @Test
  void tagsHaveANameOfTheirOwnBesideThoseOfTheOldGateway() throws InvalidJson {
    Client maria = setting.maria();
    setting.forget();
    maria.post("/v1/elr/items", OLD).expect(201);
    Json stored = Json.parseReply(setting.calls("memory").getLast().body()).at("elr_data");
    assertEquals("{\"gateway_tags\":\"[\\\"old\\\"]\"}", stored.at("metadata").toString());
    for (String tags :
        List.of(
            "\"tags\":[\"a\",\"b\"]",
            "\"tags\":\"[\\\"a\\\",\\\"b\\\"]\"",
            "\"gateway_tags\":\"[\\\"a\\\",\\\"b\\\"]\",\"tags\":[\"c\"]")) {
      String list =
          """
          {"results":[{"content":"a","metadata":{"user_id":"maria_k",%s},"chunk_id":"maria_k_a",\
          "created_at":"2026-11-23T14:42:38"}],"total_count":1}\
          """
              .formatted(tags);
      setting.reply("memory", "POST", "/search/memories", 200, list);
      Json item = maria.get(Fixture.ITEMS).json().at("items").at(0);
      assertEquals("[\"a\",\"b\"]", item.at("tags").toString(), tags);
      assertEquals("{}", item.at("metadata").toString());
    }
    for (String reserved : List.of("tags", "gateway_tags")) {
      String body =
          "{\"user_id\":\"maria_k\",\"text\":\"a\",\"metadata\":{\"%s\":\"x\"}}"
              .formatted(reserved);
      maria.post("/v1/elr/items", body).expect(400, "INVALID_REQUEST");
    }
  }

  /** 45 memories of 50,000 emoji each: the service lists them in a reply of 9 MB. */
  private static void keepNineMegabytes(Client maria) {
    String long1 = "🍒".repeat(49_990);
    IntStream.range(10, 55)
        .forEach(
            i ->
                maria
                    .post("/v1/elr/items", MemoryRoutesDefectsTest.item("maria_k", i + long1))
                    .expect(201));
  }

  @Test
  void aUserWithNineMegabytesCanListSearchAndChat() {
    Client maria = setting.maria();
    keepNineMegabytes(maria);
    int next = 54;
    for (int offset = 0; offset < 45; offset += 9) {
      HttpReply page = maria.get(Fixture.ITEMS + "?limit=9&offset=" + offset).expect(200);
      assertEquals(45, page.json().at("total").integer().orElseThrow());
      List<String> texts = MemoryRoutesDefectsTest.texts(page);
      assertEquals(9, texts.size());
      for (String text : texts) {
        assertTrue(text.startsWith(Integer.toString(next)), text.substring(0, 4));
        assertEquals(99_982, text.length());
        next--;
      }
    }
    assertEquals(9, next);
    String search = "{\"user_id\":\"maria_k\",\"query\":\"cherries\",\"limit\":2}";
    assertEquals(2, MemoryRoutesDefectsTest.texts(maria.post("/v1/elr/search", search)).size());
    String id = maria.get(Fixture.ITEMS + "?limit=1").json().at("items").at(0).at("id").string("");
    assertEquals(id, maria.get(Fixture.ITEMS + "/" + id).expect(200).json().at("id").string());
    HttpReply chat = maria.post("/v1/chat", Fixture.CHAT).expect(200);
    assertEquals("used", chat.json().pointer("/meta/memory").string());
  }

  @Test
  void oneItemCanBeRead() {
    Client maria = setting.maria();
    String id = maria.post("/v1/elr/items", NEW).expect(201).json().at("id").string("");
    maria.post("/v1/elr/items", MemoryRoutesDefectsTest.item("maria_k", "July")).expect(201);
    Json item = maria.get(Fixture.ITEMS + "/" + id).expect(200).json();
    assertEquals(id, item.at("id").string());
    assertEquals("June", item.at("text").string());
    assertEquals("[\"new\"]", item.at("tags").toString());
    maria.get(Fixture.ITEMS + "/maria_k_0123456789ab").expect(404, "NOT_FOUND");
    setting.forget();
    maria.get(Fixture.ITEMS + "/anna_0123456789ab").expect(404, "NOT_FOUND");
    assertEquals(List.of(), setting.calls("memory"), "the item is another user's");
    maria.get("/v1/elr/items/anna/anna_0123456789ab").expect(403, "NOT_OWNER");
    setting.revoke("maria_k", "elr_memories");
    maria.get(Fixture.ITEMS + "/" + id).expect(403, "CONSENT_DENIED");
  }

  private static String entry(int n) {
    return """
        {"content":"a","metadata":{"user_id":"maria_k"},"chunk_id":"maria_k_%d",\
        "created_at":"2026-11-23T14:42:38"}\
        """
        .formatted(n);
  }

  @Test
  void anItemBeyondTheServicesListIsNotCalledAbsent() {
    String entries =
        IntStream.range(0, 1000)
            .mapToObj(StoredMemoriesDefectsTest::entry)
            .collect(Collectors.joining(","));
    Client maria = setting.maria();
    String id = maria.post("/v1/elr/items", NEW).expect(201).json().at("id").string("");
    setting.reply(
        "memory",
        "POST",
        "/search/memories",
        200,
        "{\"results\":[%s],\"total_count\":1000}".formatted(entries));
    maria.get(Fixture.ITEMS + "/maria_k_999").expect(200);
    maria.get(Fixture.ITEMS + "/" + id).expect(502, "DOWNSTREAM_ERROR");
    maria.get(Fixture.ITEMS + "/maria_k_0123456789ab").expect(404, "NOT_FOUND");
    assertFalse(maria.get(Fixture.ITEMS).json().at("truncated").isFalse());
  }
}
