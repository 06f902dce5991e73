package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Routes whose request and reply are passed on as they are, and what is not passed on. */
@Timeout(60)
class ModuleRoutesDefectsTest {
  private static final String REWARD =
      "{\"user_id\":\"maria_k\",\"reason\":\"a story\",\"amount\":\"2.50\"}";
  private static final String KEY = "Idempotency-Key";

  @ParameterizedTest
  @ValueSource(strings = {"205 Reset Content", "206 Partial Content", "226 IM Used"})
  void aStatusWithoutAWholeReplyIsABadGateway(String status) {
    try (Fixture setting =
            Fixture.with("ENG_URL", (c, _) -> c.reply(status, "{\"engagement_score\":1}"));
        Fixture memory =
            Fixture.with("MEMORY_URL", (c, _) -> c.reply(status, "{\"results\":[]}"))) {
      Client maria = setting.maria();
      maria.get(Fixture.METRICS).expect(502, "DOWNSTREAM_ERROR");
      maria
          .post(
              "/v1/engagement/interactions",
              "{\"user_id\":\"maria_k\",\"interaction_type\":\"chat\"}")
          .expect(502, "DOWNSTREAM_ERROR");
      assertEquals("", maria.send("HEAD", Fixture.METRICS, null).expect(502).body());
      memory.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_ERROR");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"205 Reset Content", "206 Partial Content", "226 IM Used"})
  void aStreamWithoutAWholeReplyIsABadGateway(String status) {
    String head = "HTTP/1.1 " + status + "\r\nContent-Type: text/event-stream\r\n\r\n";
    try (Fixture setting =
        Fixture.with(
            "AGENT_URL",
            (c, _) -> {
              c.send(head + "data: {\"token\":\"a\"}\n\ndata: {\"done\":true}\n\n");
              c.close();
            })) {
      setting.maria().post("/v1/chat/stream", Fixture.CHAT).expect(502, "DOWNSTREAM_ERROR");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"200 OK", "201 Created", "202 Accepted", "203 Changed", "207 Several"})
  void aStatusWithAWholeReplyIsPassedOn(String status) {
    String body = "{\"engagement_score\":0.50}";
    try (Fixture setting = Fixture.with("ENG_URL", (c, _) -> c.reply(status, body))) {
      HttpReply reply = setting.maria().get(Fixture.METRICS);
      assertEquals(status.substring(0, 3) + body, reply.status() + reply.body());
    }
  }

  private static String rewardedAs(Fixture setting, Client client, String key) {
    setting.forget();
    client.post("/v1/tokens/rewards", REWARD, KEY, key).expect(201);
    List<Seen> calls = setting.calls("tokens");
    assertEquals(1, calls.size());
    return calls.getFirst().header(KEY).orElseThrow();
  }

  @Test
  void theIdempotencyKeyOfOneCallerNeverMeansThatOfAnother() {
    try (Fixture setting = Fixture.start()) {
      Client maria = setting.maria();
      Client carer = setting.maria();
      String first = rewardedAs(setting, maria, "k1");
      assertNotEquals(first, rewardedAs(setting, carer, "k1"));
      assertNotEquals(first, rewardedAs(setting, carer, first));
      assertNotEquals(first, rewardedAs(setting, maria, "k2"));
      // The gateway answers a repeat; one that has forgotten the first request repeats the hash.
      setting.forget();
      maria.post("/v1/tokens/rewards", REWARD, KEY, "\"k1\"").expect(201);
      assertEquals(List.of(), setting.calls("tokens"));
      String secret = setting.gateway().key(List.of("maria_k"), "tokens:write");
      String hash = rewardedAs(setting, setting.withKey(secret), "k1");
      try (TestGateway restarted =
          TestGateway.builder()
              .with(setting.services().urls())
              .with("API_KEYS_FILE", setting.gateway().keyFile())
              .start()) {
        restarted.refreshKeys();
        assertEquals(hash, rewardedAs(setting, new Client(restarted, secret), "k1"));
      }
      for (String key : List.of("~".repeat(255), "!", "k:1")) {
        String sent = rewardedAs(setting, maria, key);
        assertTrue(sent.matches("[!-~]{16,255}"), sent);
        assertFalse(sent.contains(key), sent);
      }
      HttpReply transactions = maria.get("/v1/tokens/transactions/maria_k?limit=50").expect(200);
      assertEquals(8, transactions.json().at("items").size(), transactions.body());
    }
  }
}
