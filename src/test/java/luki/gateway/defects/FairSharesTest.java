package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream.RawConnection;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Processes;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one caller takes or breaks does not reach the others. */
@Timeout(60)
class FairSharesTest {
  private static final String ITEM = "/v1/elr/items/maria_k_0123456789ab";
  // Of forty, a quarter.
  private static final int SHARE = 10;

  private static void speakOnce(RawConnection connection, CountDownLatch end) throws Exception {
    connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    connection.send("data: {\"token\": \"a\"}\n\n");
    end.await(50, TimeUnit.SECONDS);
    connection.close();
  }

  private static String chatKey(TestGateway gateway) {
    return gateway.key(List.of(Fixture.MARIA), "chat:write");
  }

  @Test
  void oneKeyOpens200StreamsAndGetsItsShare() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    List<ChatStream> streams = new ArrayList<>();
    try (Fixture setting =
        Fixture.with(
            "AGENT_URL",
            (connection, _) -> speakOnce(connection, end),
            // The JDK's server notices that a client has left when it writes a comment.
            g ->
                g.yaml("max_open: 8192", "max_open: 40")
                    .yaml("keep_alive: 15s", "keep_alive: 500ms"))) {
      String greedy = chatKey(setting.gateway());
      for (int i = 0; i < 200; i++) {
        ChatStream stream = ChatStream.open(setting.gateway(), greedy);
        streams.add(stream);
        assertEquals(i < SHARE ? 200 : 429, stream.status(), "stream " + i);
      }
      assertEquals("1", streams.getLast().header("Retry-After"));
      new Client(setting.gateway(), greedy)
          .post("/v1/chat/stream", Fixture.CHAT)
          .expect(429, "RATE_LIMITED");
      String other = chatKey(setting.gateway());
      for (int i = 0; i < SHARE; i++) {
        streams.add(ChatStream.open(setting.gateway(), other));
        assertEquals(200, streams.getLast().status());
      }
      assertEquals(
          "191.0",
          setting
              .gateway()
              .metric("luki_gateway_rate_limit_total{decision=\"refused\",limit=\"share\"}"));
      streams.getFirst().leave();
      ChatStream next =
          Waiting.until(
              Duration.ofSeconds(10), () -> opened(setting, greedy), s -> s.status() == 200);
      streams.add(next);
    } finally {
      end.countDown();
      for (ChatStream stream : streams) {
        stream.close();
      }
    }
  }

  private static ChatStream opened(Fixture setting, String key) throws IOException {
    return ChatStream.open(setting.gateway(), key);
  }

  @Test
  void aCallerHoldsAtMostItsShareOfAServicesCalls() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (Fixture setting =
        Fixture.with(
            "ENG_URL",
            (connection, _) -> {
              release.await(50, TimeUnit.SECONDS);
              connection.reply("200 OK", "{}");
            },
            g -> g.yaml("max_concurrent: 256", "max_concurrent: 40"))) {
      List<CompletableFuture<HttpReply>> held = new ArrayList<>();
      for (Client client : List.of(setting.maria(), setting.maria())) {
        int before = held.size();
        for (int i = 0; i < SHARE; i++) {
          held.add(
              CompletableFuture.supplyAsync(
                  () -> client.get(Fixture.METRICS), Thread::startVirtualThread));
        }
        Waiting.until(Duration.ofSeconds(10), () -> setting.faultyCalls().size() == before + SHARE);
        HttpReply refused = client.get(Fixture.METRICS).expect(429, "RATE_LIMITED");
        assertEquals("1", refused.header("Retry-After").orElseThrow());
        client.get(Fixture.ITEMS).expect(200);
      }
      release.countDown();
      for (CompletableFuture<HttpReply> one : held) {
        one.get(20, TimeUnit.SECONDS).expect(200);
      }
      assertEquals(2 * SHARE, setting.faultyCalls().size());
    }
  }

  private static void assertFails(Client client, int times) {
    for (int i = 0; i < times; i++) {
      client.delete(ITEM).expect(502);
    }
  }

  @Test
  void oneCallersRequestsMakeAServiceAnswer500AHundredTimes() {
    try (Fixture setting = Fixture.start()) {
      Client poisonous = setting.maria();
      Client second = setting.maria();
      Client third = setting.maria();
      for (int status : new int[] {500, 503}) {
        setting.reply("memory", "DELETE", "/delete", status, "{}");
        assertFails(poisonous, 100);
        assertFails(second, 1);
      }
      setting.services().clearOverrides();
      third.delete(ITEM).expect(204);
      setting.reply("memory", "DELETE", "/delete", 500, "{}");
      assertFails(third, 1);
      third.delete(ITEM).expect(503, "DOWNSTREAM_CIRCUIT_OPEN");
    }
  }

  @Test
  void withoutAConnectionOneCallersCallsOpenTheBreaker() {
    try (Fixture setting = Fixture.start(g -> g.with("MEMORY_URL", Processes.unusedUrl()))) {
      Client one = setting.maria();
      for (int i = 0; i < 20; i++) {
        one.delete(ITEM);
      }
      setting.maria().delete(ITEM).expect(503, "DOWNSTREAM_CIRCUIT_OPEN");
    }
  }

  @Test
  void sixtyBadKeysFromAnAddressThatAGoodClientShares() {
    try (Fixture setting = Fixture.start(g -> g.with("AUTH_FAILURES_PER_MIN", "60"))) {
      String key = setting.gateway().key(List.of(Fixture.MARIA), "engagement:read");
      Client good = setting.withKey(key);
      Client unseen = setting.maria();
      good.get(Fixture.METRICS).expect(200);
      for (int i = 0; i < 5; i++) {
        guessUntilLockedOut(setting);
        good.get(Fixture.METRICS).expect(200);
        setting.stranger().get(Fixture.METRICS, "X-API-Key", key).expect(200);
      }
      // Nothing shows a guess that it was right.
      awaitLockedOut(setting, unseen);
      setting.gateway().revoke(key);
      awaitLockedOut(setting, good);
    }
  }

  /** The limit lets one more guess pass each second. */
  private static void guessUntilLockedOut(Fixture setting) {
    int status = 401;
    for (int i = 0; status == 401 && i < 1000; i++) {
      status = setting.withKey("luki_guess" + i).get(Fixture.METRICS).status();
    }
    assertEquals(429, status);
  }

  private static void awaitLockedOut(Fixture setting, Client client) {
    Waiting.until(
        Duration.ofSeconds(10),
        () -> {
          guessUntilLockedOut(setting);
          return client.get(Fixture.METRICS).status() == 429;
        });
  }
}
