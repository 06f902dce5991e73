package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A deletion is reported only when the memory service has confirmed it. */
@Timeout(60)
class DeletionDefectsTest {
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
}
