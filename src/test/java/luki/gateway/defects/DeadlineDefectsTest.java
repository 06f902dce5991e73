package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawConnection;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Processes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every wait has a deadline, and an invalid reply is never forwarded as a valid one. */
@Timeout(60)
class DeadlineDefectsTest {
  private static final String EMPTY_LIST = "{\"results\":[],\"total_count\":0}";
  private static final String JSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  private static final Duration PAUSE = Duration.ofMillis(40);

  private static Fixture memory(Fixture.Fault fault) {
    return Fixture.with(
        "MEMORY_URL",
        fault,
        g -> g.with("MAX_REPLY_BYTES", "65536").yaml("total: 10s", "total: 700ms"));
  }

  private static void assertTimesOut(Fixture.Fault fault) throws InterruptedException {
    CountDownLatch closed = new CountDownLatch(1);
    try (Fixture fixture =
        memory(
            (connection, request) -> {
              fault.answer(connection, request);
              connection.stallUntilClosed();
              closed.countDown();
            })) {
      Client maria = fixture.maria();
      long began = System.nanoTime();
      HttpReply answer = maria.get(Fixture.ITEMS).expect(504, "DOWNSTREAM_TIMEOUT");
      long tookMillis = (System.nanoTime() - began) / 1_000_000;
      assertEquals(
          "Memory service did not respond", answer.json().at("error").at("message").string());
      assertTrue(tookMillis >= 600 && tookMillis < 5000, tookMillis + " ms");
      assertTrue(closed.await(10, TimeUnit.SECONDS), "the connection is let go");
      assertEquals(1, fixture.faultyCalls().size());
    }
  }

  @Test
  void R10_aServiceThatNeverRepliesIsTimedOut() throws InterruptedException {
    assertTimesOut((_, _) -> {});
  }

  @Test
  void R10_aSlowHeadDoesNotExtendTheDeadline() throws InterruptedException {
    String slow = JSON + "Content-Length: 30\r\n\r\n" + EMPTY_LIST + " ".repeat(300);
    assertTimesOut((connection, _) -> connection.drip(slow, PAUSE));
  }

  @Test
  void R10_aBodyThatStallsIsTimedOut() throws InterruptedException {
    assertTimesOut(
        (connection, _) -> connection.send(JSON + "Content-Length: 100\r\n\r\n{\"results\":["));
  }

  @Test
  void R10_aSlowBodyDoesNotExtendTheDeadline() throws InterruptedException {
    assertTimesOut(
        (connection, _) -> {
          connection.send(JSON + "Content-Length: 999\r\n\r\n");
          connection.drip(" ".repeat(999), PAUSE);
        });
  }

  @Test
  void R10_anAgentThatNeverRepliesIsTimedOut() {
    try (Fixture fixture =
        Fixture.with(
            "AGENT_URL",
            (c, _) -> c.stallUntilClosed(),
            g -> g.yaml("total: 60s", "total: 700ms"))) {
      fixture.maria().post("/v1/chat", Fixture.CHAT).expect(504);
      assertEquals(1, fixture.faultyCalls().size());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length: 60\r\n\r\n{\"results\":[],",
        "Transfer-Encoding: chunked\r\n\r\n1e\r\n{\"results\":[],\"total_count\":0}\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1e\r\n{\"results\":[],"
      })
  void R10_aTruncatedReplyIsAnError(String rest) {
    for (String how : List.of("reset", "close")) {
      try (Fixture fixture =
          memory(
              (connection, _) -> {
                connection.send(JSON + rest);
                if (how.equals("reset")) {
                  // Only after the bytes have arrived: an RST may discard them.
                  connection.peerClosed(PAUSE);
                  connection.reset();
                }
                connection.close();
              })) {
        fixture.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_UNAVAILABLE");
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
  void R10_anEndlessReplyIsAborted() throws InterruptedException {
    CountDownLatch brokenOff = new CountDownLatch(1);
    try (Fixture fixture =
        memory(
            (connection, _) -> {
              connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
              try {
                flood(connection);
              } finally {
                brokenOff.countDown();
              }
            })) {
      fixture.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_ERROR");
      assertTrue(brokenOff.await(10, TimeUnit.SECONDS));
      assertEquals(1, fixture.faultyCalls().size(), "too long is not worth a second try");
    }
  }

  @Test
  void R10_onlyAReplyBeyondTheLimitIsRefused() {
    String padding = " ".repeat(65_536 - EMPTY_LIST.length());
    for (int more : List.of(0, 1, 11_000_000)) {
      String body = EMPTY_LIST + padding + " ".repeat(more);
      try (Fixture fixture = memory((c, _) -> c.reply("200 OK", body))) {
        HttpReply answer = fixture.maria().get(Fixture.ITEMS);
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
    try (RawUpstream elsewhere = Fixture.faulty((c, _) -> c.reply("200 OK", EMPTY_LIST));
        Fixture fixture =
            memory(
                (c, _) ->
                    c.send(
                        "HTTP/1.1 %s Moved\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n"
                            .formatted(status, elsewhere.url())))) {
      HttpReply answer = fixture.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_ERROR");
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
  void R10_aReplyThatIsNotHttpIsABadGateway(String bytes) {
    try (Fixture fixture =
        memory(
            (connection, _) -> {
              connection.send(bytes);
              connection.peerClosed(PAUSE);
              connection.close();
            })) {
      fixture.maria().get(Fixture.ITEMS).expect(502, "DOWNSTREAM_UNAVAILABLE");
    }
  }

  @Test
  void R10_aRefusedConnectionIsAnsweredQuickly() {
    try (Fixture fixture = Fixture.start(g -> g.with("MEMORY_URL", Processes.unusedUrl()))) {
      Client maria = fixture.maria();
      long best = Long.MAX_VALUE;
      for (int i = 0; i < 5; i++) {
        long began = System.nanoTime();
        HttpReply answer = maria.delete("/v1/elr/items/maria_k_a");
        best = Math.min(best, System.nanoTime() - began);
        answer.expect(502, "DOWNSTREAM_UNAVAILABLE");
      }
      assertTrue(best < 100_000_000L, best + " ns");
    }
  }
}
