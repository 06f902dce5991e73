package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Mistakes that clients make often: the reply says what to correct. */
@Timeout(60)
class ClientMistakesTest {
  @AutoClose private static final Fixture FIXTURE = Fixture.start();
  private static final Client MARIA = FIXTURE.maria();

  @BeforeEach
  void forget() {
    FIXTURE.forget();
  }

  private static List<String> details(HttpReply reply) {
    return reply.expect(400, "INVALID_REQUEST").json().at("error").at("details").items().stream()
        .map(detail -> detail.at("pointer").string() + " " + detail.at("rule").string())
        .sorted()
        .toList();
  }

  @Test
  void aMissingUserIdHidesNoOtherProblem() {
    assertEquals(
        List.of("/message required", "/user_id required", "/zz additionalProperties"),
        details(MARIA.post("/v1/chat", "{\"zz\":1}")));
    assertEquals(
        List.of("/message required", "/user_id type"),
        details(MARIA.post("/v1/chat", "{\"user_id\":7}")));
    assertEquals(
        List.of("/k maximum", "/user_id required"),
        details(MARIA.get("/v1/activities/recommend?k=99")));
    FIXTURE.assertNothingWasCalled("invalid");
  }

  @Test
  void ruleJsonSaysTheLineAndTheColumn() {
    HttpReply reply = MARIA.post("/v1/chat", "{\"user_id\":\"maria_k\",\n  \"message\": oops}");
    assertEquals(List.of(" json"), details(reply));
    Json detail = reply.json().at("error").at("details").at(0);
    assertEquals("2", detail.at("line").toString());
    assertTrue(detail.at("column").integer().orElse(0) >= 14, reply.body());
  }

  @Test
  void aKeyWithoutBearerIsAnsweredWithWhatToWrite() {
    String key = FIXTURE.gateway().key(List.of(Fixture.MARIA), "chat:write");
    for (String value : List.of(key, "Token " + key, "ApiKey " + key)) {
      HttpReply reply = FIXTURE.stranger().get(Fixture.ITEMS, "Authorization", value);
      reply.expect(401, "UNAUTHENTICATED");
      String message = reply.json().at("error").at("message").string("");
      assertTrue(message.contains("Authorization: Bearer <API key"), message);
      assertFalse(reply.body().contains(key), reply.body());
    }
  }

  @Test
  void aDeletionMayHaveAnEmptyObjectAsItsBody() {
    for (String body : List.of("{}", " { \n} ")) {
      MARIA.send("DELETE", "/v1/elr/items/maria_k_aaaaaaaaaaaa", body).expect(204);
      MARIA.send("DELETE", "/v1/elr/users/maria_k", body).expect(200);
    }
    for (String body : List.of("{\"a\":1}", "[]", "null", "{", " ".repeat(99) + "{}")) {
      MARIA.send("DELETE", "/v1/elr/users/maria_k", body).expect(400, "INVALID_REQUEST");
    }
  }

  @Test
  void numbersBeyond64BitsArePassedOnAsTheyAre() {
    String numbers = "[18446744073709551626,-1E+30,123456789012345678901234567890.50]";
    MARIA
        .post(
            "/v1/chat",
            "{\"user_id\":\"maria_k\",\"message\":\"a\",\"context\":{\"world_day\":%s}}"
                .formatted(numbers))
        .expect(200);
    String sent = FIXTURE.calls("agent").getFirst().body();
    assertTrue(sent.contains("\"world_day\":" + numbers), sent);
    String item = "{\"user_id\":\"maria_k\",\"text\":\"a\",\"metadata\":{\"n\":%s}}";
    assertEquals(
        List.of("/metadata/n maximum"),
        details(MARIA.post("/v1/elr/items", item.formatted("18446744073709551626"))));
    assertEquals(
        List.of("/metadata/n number"),
        details(MARIA.post("/v1/elr/items", item.formatted("1e999999999"))));
  }
}
