package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;
import luki.http1.PreparedRequest;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a service says is taken in the one way that RFC 9112 allows, or not at all. */
@Timeout(60)
class RepliesTest {
  @AutoClose("shutdownNow")
  private final WireClient client = new WireClient(Calls.SETTINGS);

  static Stream<Arguments> good() {
    return Stream.of(
        Arguments.of(Calls.OK, "200 hi"),
        Arguments.of("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", "200 hi"),
        Arguments.of(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nT: x\r\n\r\n",
            "200 hi"),
        Arguments.of("HTTP/1.1 204 No Content\r\n\r\n", "204 "),
        Arguments.of("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "304 "),
        Arguments.of(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + Calls.OK,
            "200 hi"),
        Arguments.of("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "302 "));
  }

  @ParameterizedTest
  @MethodSource("good")
  void aGoodReplyIsReadAndItsConnectionServesAgain(String reply, String expected) throws Exception {
    try (RawUpstream service = RawUpstream.answeringInTurn(reply, reply)) {
      assertEquals(expected, Calls.body(client, service));
      assertEquals(expected, Calls.body(client, service));
      assertEquals(1, service.connections());
    }
  }

  @Test
  void aBodyUntilTheCloseEndsItsConnection() throws Exception {
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send("HTTP/1.0 200 OK\r\n\r\nall of it");
              connection.close();
            })) {
      assertEquals("200 all of it", Calls.body(client, service));
      assertEquals("200 all of it", Calls.body(client, service));
      assertEquals(2, service.connections());
    }
  }

  static List<String> doubtful() {
    String ok = "HTTP/1.1 200 OK\r\n";
    return List.of(
        "not HTTP at all\r\n\r\n",
        "<html>",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n".repeat(50),
        ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        ok + "Content-Length: 2, 2\r\n\r\nhi",
        ok + "Content-Length: +2\r\n\r\nhi",
        ok + "Content-Length: -2\r\n\r\nhi",
        ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n1FFFFFFFF\r\nx",
        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhiX\r\n0\r\n\r\n",
        ok + "A: b\rc\r\n\r\n",
        ok + "A: b\nC: d\r\n\r\n",
        ok + "A: b\u0000c\r\n\r\n",
        ok + "A : b\r\n\r\n",
        ok + " A: b\r\n\r\n",
        ok + "A: b\r\n c\r\n\r\n",
        ok + "A\r\n\r\n",
        ok + ("X-Y: " + "z".repeat(1000) + "\r\n").repeat(1000) + "\r\n",
        ok + "A: b\r\n".repeat(300) + "\r\n");
  }

  @ParameterizedTest
  @MethodSource("doubtful")
  void whatCouldBeReadInTwoWaysIsRefusedAndTheConnectionDropped(String reply) {
    try (RawUpstream service = RawUpstream.answeringInTurn(reply)) {
      assertThrows(IOException.class, () -> Calls.body(client, service));
      Waiting.until(Duration.ofSeconds(2), () -> client.connections() == 0);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        Calls.UNFINISHED,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nA: b",
        "HTTP/1.1 2",
        ""
      })
  void anEndInTheMiddleIsAFailureAndNeverAQuietEnd(String reply) {
    for (boolean reset : List.of(false, true)) {
      try (RawUpstream service =
          RawUpstream.start(
              connection -> {
                connection.readRequest();
                connection.send(reply);
                if (reset) {
                  connection.reset();
                } else {
                  connection.close();
                }
              })) {
        assertThrows(IOException.class, () -> Calls.body(client, service));
        Waiting.until(Duration.ofSeconds(2), () -> client.connections() == 0);
      }
    }
  }

  @Test
  void bytesAfterAReplyBelongToNobody() throws Exception {
    String evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    try (RawUpstream service = RawUpstream.answeringInTurn(Calls.OK + evil)) {
      assertEquals("200 hi", Calls.body(client, service));
      assertEquals("200 hi", Calls.body(client, service));
      assertEquals(2, service.connections());
    }
  }

  @Test
  void aBodyAfter204BelongsToNobody() throws Exception {
    try (RawUpstream service =
        RawUpstream.answeringInTurn(
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
      assertEquals("204 ", Calls.body(client, service));
      Waiting.until(Duration.ofSeconds(2), () -> client.connections() == 0);
      assertEquals("204 ", Calls.body(client, service));
    }
  }

  @Test
  void aReplyMayComeInPiecesOfAnySize() throws Exception {
    String reply =
        "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;q=\"r\"\r\nde\r\n0\r\n\r\n";
    for (int size = 1; size < reply.length(); size++) {
      int piece = size;
      try (RawUpstream service =
          RawUpstream.start(
              connection -> {
                connection.readRequest();
                for (int at = 0; at < reply.length(); at += piece) {
                  connection.send(reply.substring(at, Math.min(reply.length(), at + piece)));
                }
                connection.stallUntilClosed();
              })) {
        assertEquals("200 abcde", Calls.body(client, service), "in pieces of " + size);
      }
    }
  }

  @Test
  void lastsOfAHundredMegabytesPassInLittleMemory() throws Exception {
    byte[] piece = new byte[64 * 1024];
    int pieces = 1600;
    try (RawUpstream service =
        RawUpstream.start(
            connection -> {
              connection.readRequest();
              connection.send(
                  "HTTP/1.1 200 OK\r\nContent-Length: "
                      + (long) piece.length * pieces
                      + "\r\n\r\n");
              for (int i = 0; i < pieces; i++) {
                connection.send(piece);
              }
              connection.stallUntilClosed();
            })) {
      long read = 0;
      byte[] into = new byte[8192];
      PreparedRequest request = Calls.get(Calls.origin(service), Duration.ofSeconds(30));
      try (InputStream body = Calls.send(client, request).body()) {
        for (int n = body.read(into); n >= 0; n = body.read(into)) {
          read += n;
        }
      }
      assertEquals((long) piece.length * pieces, read);
      assertTrue(client.connections() == 1);
    }
  }
}
