package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.RawConnection;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every wait has an end, and a reply that is none is never passed on as one. */
@Timeout(60)
class DeadlineDefectsTest {
  private static final String LIST = "/v1/elr/items/maria_k";
  private static final String EMPTY_LIST = "{\"results\":[],\"total_count\":0}";
  private static final Duration PAUSE = Duration.ofMillis(40);

  private static Setting before(RawUpstream memory) {
    return Setting.start(
        g ->
            g.with("MEMORY_URL", memory.url())
                .with("MAX_REPLY_BYTES", "65536")
                .yaml("total: 10s", "total: 700ms"));
  }

  private static void assertTimesOut(FaultyServices.Fault fault) throws InterruptedException {
    CountDownLatch closed = new CountDownLatch(1);
    try (RawUpstream memory =
            FaultyServices.faulty(
                (connection, request) -> {
                  fault.answer(connection, request);
                  connection.stallUntilClosed();
                  closed.countDown();
                });
        Setting setting = before(memory)) {
      Client maria = setting.maria();
      long began = System.nanoTime();
      HttpReply answer = maria.get(LIST);
      long tookMillis = (System.nanoTime() - began) / 1_000_000;
      assertEquals(504, answer.status(), answer.body());
      assertEquals("DOWNSTREAM_TIMEOUT", answer.code());
      assertEquals(
          "Memory service did not respond", answer.json().at("error").at("message").string());
      assertTrue(tookMillis >= 600 && tookMillis < 5000, tookMillis + " ms");
      assertTrue(closed.await(10, TimeUnit.SECONDS), "the connection is let go");
      assertEquals(1, FaultyServices.calls(memory).size());
    }
  }

  @Test
  void R10_aServiceThatNeverAnswersIsTimedOut() throws InterruptedException {
    assertTimesOut((_, _) -> {});
  }

  @Test
  void R10_aByteAtATimeDoesNotProlongTheWaitForTheHead() throws InterruptedException {
    String slow = FaultyServices.reply("200 OK", EMPTY_LIST) + " ".repeat(300);
    assertTimesOut((connection, _) -> FaultyServices.drip(connection, slow, PAUSE));
  }

  @Test
  void R10_aBodyThatStallsIsTimedOut() throws InterruptedException {
    String head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
    assertTimesOut((connection, _) -> connection.send(head + "{\"results\":["));
  }

  @Test
  void R10_aByteAtATimeDoesNotProlongTheWaitForTheBody() throws InterruptedException {
    String head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n";
    assertTimesOut(
        (connection, _) -> {
          connection.send(head);
          FaultyServices.drip(connection, " ".repeat(999), PAUSE);
        });
  }

  @Test
  void R10_anAgentThatNeverAnswersIsTimedOut() {
    try (RawUpstream agent = FaultyServices.faulty((c, _) -> c.stallUntilClosed());
        Setting setting =
            Setting.start(
                g -> g.with("AGENT_URL", agent.url()).yaml("total: 60s", "total: 700ms"))) {
      setting.maria().post("/v1/chat", "{\"user_id\":\"maria_k\",\"message\":\"a\"}").expect(504);
      assertEquals(1, FaultyServices.calls(agent).size());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length: 60\r\n\r\n{\"results\":[],",
        "Transfer-Encoding: chunked\r\n\r\n1e\r\n{\"results\":[],\"total_count\":0}\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1e\r\n{\"results\":[],"
      })
  void R10_aReplyThatIsCutShortIsNoReply(String rest) {
    String cut = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + rest;
    for (String how : List.of("reset", "close")) {
      try (RawUpstream memory =
              FaultyServices.faulty(
                  (connection, _) -> {
                    connection.send(cut);
                    if (how.equals("reset")) {
                      // Not before what was sent has arrived: an RST may overtake it.
                      connection.peerClosed(PAUSE);
                      connection.reset();
                    }
                    connection.close();
                  });
          Setting setting = before(memory)) {
        HttpReply answer = setting.maria().get(LIST);
        assertEquals(502, answer.status(), how + answer.body());
        assertEquals("DOWNSTREAM_UNAVAILABLE", answer.code());
      }
    }
  }

  private static void flood(RawConnection connection) throws IOException {
    byte[] chunk = ("1000\r\n" + "a".repeat(4096) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    while (true) {
      connection.send(chunk);
    }
  }

  @Test
  void R10_aReplyWithoutEndIsBrokenOff() throws InterruptedException {
    CountDownLatch brokenOff = new CountDownLatch(1);
    try (RawUpstream memory =
            FaultyServices.faulty(
                (connection, _) -> {
                  connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                  try {
                    flood(connection);
                  } finally {
                    brokenOff.countDown();
                  }
                });
        Setting setting = before(memory)) {
      setting.maria().get(LIST).expect(502, "DOWNSTREAM_ERROR");
      assertTrue(brokenOff.await(10, TimeUnit.SECONDS));
      assertEquals(1, FaultyServices.calls(memory).size(), "too long is not worth a second try");
    }
  }

  @Test
  void R10_aReplyThatIsTooLongIsRefusedAndOneThatFitsIsNot() {
    String padding = " ".repeat(65_536 - EMPTY_LIST.length());
    for (int more : List.of(0, 1, 11_000_000)) {
      String body = EMPTY_LIST + padding + " ".repeat(more);
      try (RawUpstream memory =
              FaultyServices.faulty((c, _) -> c.send(FaultyServices.reply("200 OK", body)));
          Setting setting = before(memory)) {
        HttpReply answer = setting.maria().get(LIST);
        assertEquals(more == 0 ? 200 : 502, answer.status(), more + " too many");
        if (more > 0) {
          assertEquals("DOWNSTREAM_ERROR", answer.code());
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"301", "302", "303", "307", "308"})
  void R10_aRedirectIsNeverFollowed(String status) {
    try (RawUpstream elsewhere =
            FaultyServices.faulty((c, _) -> c.send(FaultyServices.reply("200 OK", EMPTY_LIST)));
        RawUpstream memory =
            FaultyServices.faulty(
                (c, _) ->
                    c.send(
                        "HTTP/1.1 %s Moved\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n"
                            .formatted(status, elsewhere.url())));
        Setting setting = before(memory)) {
      HttpReply answer = setting.maria().get(LIST).expect(502, "DOWNSTREAM_ERROR");
      assertTrue(answer.header("Location").isEmpty());
      assertEquals(0, elsewhere.connections());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SSH-2.0-OpenSSH_9.6\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "<html>{\"results\":[]}</html>\r\n\r\n",
        "HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "\r\n\r\n\r\n\u0000\u0001\u0002"
      })
  void R10_whatIsNotHttpIsABadGateway(String bytes) {
    try (RawUpstream memory =
            FaultyServices.faulty(
                (connection, _) -> {
                  connection.send(bytes);
                  connection.peerClosed(PAUSE);
                  connection.close();
                });
        Setting setting = before(memory)) {
      setting.maria().get(LIST).expect(502, "DOWNSTREAM_UNAVAILABLE");
    }
  }

  @Test
  void R10_whereNobodyListensTheAnswerIsQuick() {
    try (Setting setting = Setting.start(g -> g.with("MEMORY_URL", FaultyServices.nobody()))) {
      Client maria = setting.maria();
      long best = Long.MAX_VALUE;
      for (int i = 0; i < 5; i++) {
        long began = System.nanoTime();
        HttpReply answer = maria.delete("/v1/elr/items/maria_k_a");
        best = Math.min(best, System.nanoTime() - began);
        assertEquals("DOWNSTREAM_UNAVAILABLE", answer.code());
        assertEquals(502, answer.status());
      }
      assertTrue(best < 100_000_000L, best + " ns");
    }
  }
}
