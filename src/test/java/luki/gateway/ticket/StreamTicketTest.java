package luki.gateway.ticket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a page in a browser can do with a ticket, and what nobody can. */
@Timeout(60)
class StreamTicketTest {
  private static final String SECRET = "a secret about the garden";
  private static final String WANTED =
      """
      {"path":"/v1/chat/stream","parameters":{"user_id":"maria_k","message":"%s"}}"""
          .formatted(SECRET);

  private static HttpReply use(TestGateway gateway, String url) {
    return gateway.stranger().get(url, "Accept", "text/event-stream");
  }

  private static String urlOf(Client client, String wanted) throws Exception {
    HttpReply reply = client.post("/v1/stream-tickets", wanted);
    reply.expect(201);
    assertEquals("no-store", reply.header("Cache-Control").orElse(""));
    Json ticket = Json.parse(reply.body().getBytes(StandardCharsets.UTF_8));
    assertEquals(30, ticket.at("expires_in_s").integer().orElse(0));
    assertFalse(ticket.at("url").string("").contains("maria"), ticket.toString());
    return ticket.at("url").string("");
  }

  @Test
  void aTicketOpensTheStreamOnceWithTheWordsThatItWasIssuedFor() throws Exception {
    try (Fixture setting = Fixture.start()) {
      TestGateway gateway = setting.gateway();
      String url = urlOf(gateway.client("chat:write"), WANTED);

      HttpReply stream = use(gateway, url);
      stream.expect(200);
      assertTrue(stream.body().contains("event: done"), stream.body());
      use(gateway, url).expect(401, "UNAUTHENTICATED");

      List<String> log = gateway.awaitLog(3);
      String ticket = url.substring(url.indexOf('=') + 1);
      assertFalse(log.toString().contains(ticket), log.toString());
      assertFalse(log.toString().contains(SECRET), log.toString());
    }
  }

  @Test
  void theRequestThatUsesATicketPassesEveryCheck() throws Exception {
    try (Fixture setting = Fixture.start()) {
      TestGateway gateway = setting.gateway();
      Client maria = gateway.client("chat:write");
      String others =
          "{\"path\":\"/v1/chat/stream\",\"parameters\":{\"user_id\":\"anna_l\",\"message\":\"Hi\"}}";
      use(gateway, urlOf(maria, others)).expect(403, "NOT_OWNER");
      String empty = "{\"path\":\"/v1/chat/stream\",\"parameters\":{\"user_id\":\"maria_k\"}}";
      use(gateway, urlOf(maria, empty)).expect(400, "INVALID_REQUEST");

      String key = gateway.key(List.of("maria_k"), "chat:write");
      String url = urlOf(new Client(gateway, key), WANTED);
      gateway.editKey(key, "scopes", "elr:read");
      gateway.refreshKeys();
      use(gateway, url).expect(403, "FORBIDDEN");
    }
  }

  @Test
  void anEventSourceThatReconnectsWithItsUsedTicketIsTold204AndThatIsNoFailure() throws Exception {
    try (Fixture setting = Fixture.start(g -> g.with("AUTH_FAILURES_PER_MIN", "1"))) {
      TestGateway gateway = setting.gateway();
      Client maria = gateway.client("chat:write");
      String url = urlOf(maria, WANTED);
      gateway.stranger().get(url, "Last-Event-ID", "3").expect(204);
      use(gateway, url).expect(200);
      setting.forget();
      for (int i = 0; i < 3; i++) {
        gateway.stranger().get(url, "Last-Event-ID", "3").expect(204);
      }
      setting.assertNothingWasCalled("a reconnect");
      use(gateway, url).expect(401);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'&user_id=maria_k', 400", // another parameter
    "'x', 400", // not the form of a ticket
    "'&ticket=2', 400",
  })
  void aTicketStandsAlone(String more, int status) throws Exception {
    try (Fixture setting = Fixture.start()) {
      TestGateway gateway = setting.gateway();
      String url = urlOf(gateway.client("chat:write"), WANTED);
      assertEquals(status, use(gateway, url + more).status());
      String another = url.endsWith("A") ? "B" : "A";
      String other = url.substring(0, url.length() - 1) + another;
      assertEquals(401, use(gateway, other).status());
      assertEquals(200, use(gateway, url).status(), "the ticket was not used");
    }
  }

  @Test
  void aTicketIsForOnePathAndNotBesideAnotherCredential() throws Exception {
    try (Fixture setting = Fixture.start()) {
      TestGateway gateway = setting.gateway();
      Client maria = gateway.client("chat:write", "engagement:write");
      String forSocket = urlOf(maria, "{\"path\":\"/v1/chat/ws\"}");
      String stolen = forSocket.replace("/v1/chat/ws", "/v1/chat/stream");
      use(gateway, stolen).expect(401, "UNAUTHENTICATED");
      maria.get(urlOf(maria, WANTED)).expect(400, "INVALID_REQUEST");
      // Where no ticket is taken it is an unknown parameter.
      maria.get("/v1/usage?ticket=1").expect(403);
      gateway.client("usage:read").get("/v1/usage?ticket=1").expect(400, "INVALID_REQUEST");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}",
        "{\"path\":\"/v1/usage\"}",
        "{\"path\":\"/v1/chat/stream\",\"parameters\":{\"admin\":\"1\"}}",
        "{\"path\":\"/v1/chat/stream\",\"parameters\":{\"user_id\":1}}",
        "{\"path\":\"/v1/chat/stream\",\"more\":1}",
      })
  void aTicketForAnythingElseIsRefused(String body) {
    try (TestGateway gateway = TestGateway.start(Map.of())) {
      gateway.client("chat:write").post("/v1/stream-tickets", body).expect(400, "INVALID_REQUEST");
      gateway.client("elr:read").post("/v1/stream-tickets", WANTED).expect(403);
    }
  }

  @Test
  void ofManyThatUseATicketAtOnceOneGetsIn() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        Fixture one = Fixture.start(changes -> changes.with("REDIS_URL", redis.url()));
        TestGateway two = TestGateway.start(shared(one, redis));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      String url = urlOf(one.gateway().client("chat:write"), WANTED);
      two.refreshKeys();
      Callable<Integer> here = () -> use(one.gateway(), url).status();
      Callable<Integer> there = () -> use(two, url).status();
      int in = 0;
      for (Future<Integer> status : threads.invokeAll(List.of(here, there, here, there))) {
        in += status.get() == 200 ? 1 : 0;
      }
      assertEquals(1, in);
    }
  }

  private static Map<String, String> shared(Fixture one, RedisProcess redis) {
    Map<String, String> variables = new HashMap<>(one.services().urls());
    variables.put("REDIS_URL", redis.url());
    variables.put("API_KEYS_FILE", one.gateway().keyFile());
    return variables;
  }

  @Test
  void theStoreHoldsNeitherTheTicketNorWhatItStandsFor() throws Exception {
    Map<String, byte[]> kept = new HashMap<>();
    Tickets.Store store =
        new Tickets.Store() {
          @Override
          public void put(String id, byte[] sealed) {
            kept.put(id, sealed);
          }

          @Override
          public byte[] take(String id) {
            return kept.remove(id);
          }
        };
    Tickets tickets = new Tickets(store, new SecureRandom());
    String ticket =
        tickets.issue(new Tickets.Grant("/v1/chat/stream", "Authorization", "Bearer x", SECRET));

    assertFalse(kept.containsKey(ticket));
    String stored = new String(kept.values().iterator().next(), StandardCharsets.ISO_8859_1);
    assertFalse(stored.contains(SECRET) || stored.contains("Bearer"), stored);
    assertEquals(SECRET, tickets.redeem(ticket, "/v1/chat/stream").query());

    String other =
        tickets.issue(new Tickets.Grant("/v1/chat/stream", "Authorization", "Bearer x", SECRET));
    String id = kept.keySet().iterator().next();
    for (String changed : List.of("", "stored by another version of the gateway")) {
      kept.put(id, changed.getBytes(StandardCharsets.UTF_8));
      assertNull(tickets.redeem(other, "/v1/chat/stream"), changed);
    }
  }
}
