package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.standin.StandInReply;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Deleting and replacing memories: success is only what the memory service confirmed. */
@Timeout(60)
class MemoryChangesDefectsTest {
  private static final String ITEM = "/v1/elr/items/maria_k_0123456789ab";
  private static final String ALL = "/v1/elr/users/maria_k";

  @AutoClose private final Fixture setting = Fixture.start();

  static Stream<Arguments> noSuccess() {
    return Stream.of(
        Arguments.of(200, "{\"status\":\"error\",\"message\":\"x\",\"deleted_count\":0}"),
        Arguments.of(200, "{\"status\":\"failed\",\"deleted_count\":0}"),
        Arguments.of(200, "{\"status\":true,\"deleted_count\":0}"),
        Arguments.of(200, "{\"deleted_count\":0}"),
        Arguments.of(200, "{}"),
        Arguments.of(200, "[]"),
        Arguments.of(200, "\"success\""),
        Arguments.of(200, "success"),
        Arguments.of(200, "<html>success</html>"),
        Arguments.of(200, ""),
        Arguments.of(204, ""),
        Arguments.of(202, "{\"status\":\"accepted\"}"),
        Arguments.of(500, "{\"status\":\"success\",\"deleted_count\":0}"),
        Arguments.of(503, "{\"detail\":\"ELR pipeline not initialized\"}"),
        Arguments.of(302, "{\"status\":\"success\",\"deleted_count\":0}"),
        Arguments.of(404, "{\"detail\":\"Not Found\"}"),
        Arguments.of(405, "{\"detail\":\"Method Not Allowed\"}"));
  }

  @ParameterizedTest
  @MethodSource("noSuccess")
  void S16_anUnconfirmedDeletionIsAnError(int status, String body) {
    setting.reply("memory", "DELETE", "/delete", status, body);
    Client maria = setting.maria();
    maria.delete(ITEM).expect(502);
    maria.delete(ALL).expect(502);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"status\":\"success\"}",
        "{\"status\":\"success\",\"deleted_count\":null}",
        "{\"status\":\"success\",\"deleted_count\":\"0\"}",
        "{\"status\":\"success\",\"deleted_count\":false}",
        "{\"status\":\"success\",\"deleted_count\":-1}"
      })
  void S16_anErasureWithoutACountIsAnError(String body) {
    setting.reply("memory", "DELETE", "/delete/all", 200, body);
    setting.maria().delete(ALL).expect(502, "DOWNSTREAM_ERROR");
  }

  @Test
  void S16_anErasureIsRepeatedUntilNothingIsLeft() {
    try (Fixture raw = countingDown(new AtomicInteger(3))) {
      HttpReply answer = raw.maria().delete(ALL).expect(200);
      assertEquals(21, answer.json().at("deleted").integer().orElseThrow());
      assertEquals("maria_k", answer.json().at("user_id").string());
      assertEquals(4, raw.faultyCalls().size());
    }
  }

  /** With a memory service that deletes seven items in each of so many calls, and then none. */
  private static Fixture countingDown(AtomicInteger left) {
    return Fixture.with(
        "MEMORY_URL",
        (connection, _) -> {
          int deleted = left.getAndDecrement() > 0 ? 7 : 0;
          connection.reply(
              "200 OK", "{\"status\":\"success\",\"deleted_count\":%d}".formatted(deleted));
        });
  }

  @Test
  void S16_anErasureIsRepeatedAtMostTenTimes() {
    String never = "{\"status\":\"success\",\"deleted_count\":1}";
    setting.reply("memory", "DELETE", "/delete/all", 200, never);
    setting.maria().delete(ALL).expect(502);
    assertEquals(10, setting.calls("memory").size());
  }

  @Test
  void S16_anErasureThatEndsInItsTenthRoundSucceeds() {
    try (Fixture raw = countingDown(new AtomicInteger(9))) {
      HttpReply answer = raw.maria().delete(ALL).expect(200);
      assertEquals(63, answer.json().at("deleted").integer().orElseThrow());
    }
  }

  @Test
  void S16_aDeletedItemIsNotFound() {
    Client maria = setting.maria();
    String id =
        maria
            .post("/v1/elr/items", "{\"user_id\":\"maria_k\",\"text\":\"the sea\"}")
            .json()
            .at("id")
            .string();
    maria.delete("/v1/elr/items/" + id).expect(204);
    assertEquals(0, maria.get(Fixture.ITEMS).json().at("items").size());
  }

  @Test
  void S16_erasureNeedsNoConsent() {
    Client maria = setting.maria();
    maria.post("/v1/elr/items", "{\"user_id\":\"maria_k\",\"text\":\"the sea\"}");
    setting.revoke("maria_k", "elr_memories", "analytics", "personalization");
    setting.forget();
    maria.delete(ITEM).expect(204);
    HttpReply erased = maria.delete(ALL);
    assertEquals(1, erased.json().at("deleted").integer().orElseThrow(), erased.body());
    assertEquals(List.of(), setting.calls("security"));
    assertTrue(setting.calls("memory").stream().map(Seen::method).allMatch("DELETE"::equals));
  }

  private static final Pattern TIME =
      Pattern.compile("\"\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d[^\"]*\"");

  private static String kept(Client caller, String text) {
    HttpReply answer = caller.post("/v1/elr/items", body(text)).expect(201);
    return answer.json().at("id").string();
  }

  private static String body(String text) {
    return MemoryRoutesDefectsTest.item("maria_k", text);
  }

  private static Set<String> listed(Client caller) {
    return new HashSet<>(MemoryRoutesDefectsTest.texts(caller.get(Fixture.ITEMS)));
  }

  @Test
  void R5_anotherTextReplacesTheOldOneUnderANewId() {
    Client maria = setting.maria();
    String old = kept(maria, "June");
    HttpReply answer =
        maria
            .put(
                "/v1/elr/items/" + old,
                "{\"user_id\":\"maria_k\",\"text\":\"July\",\"tags\":[\"new\"]}")
            .expect(200);
    assertEquals(old, answer.json().at("replaces").string());
    assertNotEquals(old, answer.json().at("id").string());
    assertEquals(Set.of("July"), listed(maria));
  }

  @Test
  void R5_theNewTextIsStoredBeforeTheOldOneIsDeleted() {
    Client maria = setting.maria();
    String old = kept(maria, "June");
    setting.forget();
    String id = maria.put("/v1/elr/items/" + old, body("July")).json().at("id").string();
    assertEquals(
        List.of(
            "/search/memories/maria_k/similar/" + id + "?k=1",
            "/ingestion/elr",
            "/delete/memory/" + old),
        setting.calls("memory").stream().map(Seen::path).toList());
  }

  @Test
  void R5_theSameTextGetsTheNewTags() {
    Client maria = setting.maria();
    String id = kept(maria, "June");
    HttpReply answer =
        maria
            .put(
                "/v1/elr/items/" + id,
                "{\"user_id\":\"maria_k\",\"text\":\"June\",\"tags\":[\"new\"],"
                    + "\"metadata\":{\"place\":\"Kalamata\"}}")
            .expect(200);
    assertEquals(id, answer.json().at("id").string());
    assertEquals(id, answer.json().at("replaces").string());
    Json listed = maria.get(Fixture.ITEMS).json().at("items");
    assertEquals(1, listed.size());
    assertEquals("[\"new\"]", listed.at(0).at("tags").toString());
    assertEquals("Kalamata", listed.at(0).at("metadata").at("place").string());
  }

  @Test
  void R5_replacingAMissingItemCreatesIt() {
    Client maria = setting.maria();
    maria.put("/v1/elr/items/maria_k_0123456789ab", body("June")).expect(200);
    assertEquals(Set.of("June"), listed(maria));
  }

  @Test
  void R5_aReplacementWhoseOldTextCannotBeDeletedIsUndone() {
    Client maria = setting.maria();
    String old = kept(maria, "June");
    setting.forget();
    setting.services().override("memory", "DELETE", "/delete/memory/" + old, failing());
    maria.put("/v1/elr/items/" + old, body("July")).expect(502);
    List<String> deletes =
        setting.calls("memory").stream()
            .filter(seen -> seen.method().equals("DELETE"))
            .map(Seen::path)
            .toList();
    assertEquals(3, deletes.size(), deletes.toString());
    assertEquals(2, deletes.stream().filter(path -> path.endsWith(old)).count());
    setting.services().clearOverrides();
    assertEquals(Set.of("June"), listed(maria));
  }

  private static StandInReply failing() {
    return StandInReply.json(500, "{\"detail\":\"no\"}");
  }

  @Test
  void R5_anItemThatExistedBeforeIsNotDeletedByTheUndo() {
    Client maria = setting.maria();
    String old = kept(maria, "June");
    kept(maria, "July");
    setting.services().override("memory", "DELETE", "/delete/memory/" + old, failing());
    maria.put("/v1/elr/items/" + old, body("July")).expect(502);
    setting.services().clearOverrides();
    assertEquals(Set.of("June", "July"), listed(maria));
  }

  @Test
  void R5_aFailedReplacementKeepsTheOldText() {
    Client maria = setting.maria();
    String old = kept(maria, "June");
    String failed = "{\"success\":false,\"chunk_ids\":[]}";
    setting.reply("memory", "POST", "/ingestion/elr", 200, failed);
    maria.put("/v1/elr/items/" + old, body("July")).expect(502);
    setting.services().clearOverrides();
    assertEquals(Set.of("June"), listed(maria));
  }

  @Test
  void R5_aDeletionThatFailsOnceIsRetriedOnce() {
    AtomicInteger deletes = new AtomicInteger();
    try (Fixture raw =
        Fixture.with(
            "MEMORY_URL",
            (connection, request) -> {
              if (request.startsWith("GET ")) {
                connection.reply("404 Not Found", "{\"detail\":\"x\"}");
              } else if (request.startsWith("POST /ingestion")) {
                connection.reply(
                    "200 OK", "{\"success\":true,\"chunk_ids\":[\"maria_k_aaaaaaaaaaaa\"]}");
              } else if (deletes.incrementAndGet() == 1) {
                connection.reply("500 Internal Server Error", "{}");
              } else {
                connection.reply("200 OK", "{\"status\":\"success\"}");
              }
            })) {
      raw.maria().put("/v1/elr/items/maria_k_0123456789ab", body("July")).expect(200);
      assertEquals(2, deletes.get());
    }
  }

  private static void assertAllInUtc(HttpReply answer, int atLeast) {
    assertTrue(answer.status() < 300, answer.body());
    Matcher time = TIME.matcher(answer.body());
    int found = 0;
    while (time.find()) {
      assertTrue(
          time.group().matches("\"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?Z\""),
          time.group());
      found++;
    }
    assertTrue(found >= atLeast, found + " times in " + answer.body());
  }

  @Test
  void R13_everyTimeOfAMemoryIsInUtc() {
    Client maria = setting.maria();
    assertAllInUtc(maria.post("/v1/elr/ingest_text", body("June")), 1);
    assertAllInUtc(maria.get(Fixture.ITEMS), 1);
    String search = "{\"user_id\":\"maria_k\",\"query\":\"June\"}";
    assertAllInUtc(maria.post("/v1/elr/search", search), 1);
    String id = maria.get(Fixture.ITEMS).json().at("items").at(0).at("id").string();
    assertAllInUtc(maria.put("/v1/elr/items/" + id, body("July")), 1);
    HttpReply stats = maria.get("/v1/elr/users/maria_k/stats");
    assertAllInUtc(stats, 0);
  }

  @Test
  void R13_eachFormOfATimeBecomesTheSameInstant() {
    for (String form :
        List.of(
            "2026-11-23T14:42:38.5", "2026-11-23T14:42:38.500000+00:00",
            "2026-11-23T16:42:38.5+02:00", "2026-11-23T14:42:38.5Z")) {
      String body =
          """
          {"results":[{"content":"a","metadata":{"user_id":"maria_k"},"chunk_id":"maria_k_a",\
          "created_at":"%s"}],"total_count":1}\
          """
              .formatted(form);
      setting.reply("memory", "POST", "/search/memories", 200, body);
      HttpReply list = setting.maria().get(Fixture.ITEMS);
      String shown = list.json().at("items").at(0).at("created_at").string("");
      assertTrue(shown.matches("2026-11-23T14:42:38\\.50*Z"), shown);
    }
  }

  @Test
  void R13_everyTimeOfAnOverviewIsInUtc() {
    Client maria = setting.maria();
    maria
        .post(
            "/v1/engagement/interactions",
            "{\"user_id\":\"maria_k\",\"interaction_type\":\"walk\","
                + "\"timestamp\":\"2026-11-23T10:00:00\"}")
        .expect(200);
    maria.post("/v1/elr/items", body("June"));
    HttpReply overview = maria.get("/v1/users/maria_k/overview");
    assertAllInUtc(overview, 2);
    assertTrue(overview.json().at("meta").at("complete").isTrue(), overview.body());
    assertFalse(overview.body().contains("last_updated"), overview.body());
  }
}
