package luki.gateway.standin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RawUpstreamTest {
  private static final String REQUEST =
      """
      POST /x HTTP/1.1
      Host: raw
      Content-Length: 4

      č 1
      """
          .strip()
          .replace("\n", "\r\n");

  @Test
  void streamsEachElementAsOneChunkAndServesTheConnectionAgain() throws Exception {
    List<byte[]> chunks = List.of(bytes("data: a"), bytes("\n\n"));
    try (RawUpstream raw =
            RawUpstream.start(RawUpstream.stream("200 OK", "text/event-stream", chunks, "eof"));
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(raw.url() + "/s")).build();
      for (int i = 0; i < 2; i++) {
        assertEquals("data: a\n\n", client.send(request, BodyHandlers.ofString()).body());
      }
      assertEquals(1, raw.connections());
      assertEquals(2, raw.requests().size());
      assertTrue(raw.requests().getFirst().startsWith("GET /s HTTP/1.1\r\n"));
      assertEquals(List.of(), raw.failures());
    }
  }

  @Test
  void framesByLengthAndReadsTheWholeRequest() throws Exception {
    try (RawUpstream raw =
            RawUpstream.start(
                RawUpstream.stream("503 Busy", "text/plain", List.of(bytes("č")), "eof"));
        RawHttpClient client = new RawHttpClient(raw.port())) {
      client.send(bytes(REQUEST));
      String expected =
          """
          HTTP/1.1 503 Busy
          Content-Type: text/plain
          Transfer-Encoding: chunked

          2
          č
          0

          """
              .replace("\n", "\r\n");
      byte[] reply = client.read(bytes(expected).length);
      assertEquals(expected, new String(reply, StandardCharsets.UTF_8));
      assertEquals(List.of(REQUEST), raw.requests());
    }
  }

  @Test
  void resetsOnlyAfterThePeerCouldReadWhatWasSent() throws Exception {
    try (RawUpstream raw =
            RawUpstream.start(
                RawUpstream.stream("200 OK", "text/plain", List.of(bytes("abc")), "reset"));
        RawHttpClient client = new RawHttpClient(raw.port())) {
      client.send(bytes(REQUEST));
      String read = client.readToEnd();
      assertTrue(read.endsWith("3\r\nabc\r\n(reset)"), read);
    }
  }

  @Test
  void stallsUntilThePeerGoes() throws Exception {
    BlockingQueue<String> steps = new ArrayBlockingQueue<>(4);
    RawUpstream.Script stall =
        RawUpstream.stream("200 OK", "text/plain", List.of(bytes("abc")), "stall");
    try (RawUpstream raw =
        RawUpstream.start(
            connection -> {
              stall.serve(connection);
              steps.add("peer gone");
            })) {
      try (RawHttpClient client = new RawHttpClient(raw.port())) {
        client.send(bytes(REQUEST));
        // All bytes have arrived: closing earlier would fail a write instead of ending the stall.
        client.readUntil("abc");
        assertTrue(steps.isEmpty());
      }
      assertEquals("peer gone", steps.poll(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void tellsWhetherThePeerCloses() throws Exception {
    BlockingQueue<Boolean> closed = new ArrayBlockingQueue<>(2);
    try (RawUpstream raw =
        RawUpstream.start(
            connection -> {
              closed.add(connection.peerClosed(Duration.ofMillis(20)));
              closed.add(connection.peerClosed(Duration.ofSeconds(10)));
            })) {
      try (RawHttpClient client = new RawHttpClient(raw.port())) {
        assertEquals(false, closed.poll(10, TimeUnit.SECONDS));
        assertTrue(client.socket().isConnected());
      }
      assertEquals(true, closed.poll(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void keepsWhatAScriptThrew() throws Exception {
    try (RawUpstream raw =
            RawUpstream.start(
                _ -> {
                  throw new IllegalStateException("wrong script");
                });
        RawHttpClient client = new RawHttpClient(raw.port())) {
      assertTrue(client.isClosed());
      Waiting.until(Duration.ofSeconds(10), () -> raw.failures().size() == 1);
    }
  }

  @Test
  void refusesAnEmptyChunkAndAnUnknownEnd() {
    List<byte[]> empty = List.of(new byte[0]);
    assertThrows(
        IllegalArgumentException.class,
        () -> RawUpstream.stream("200 OK", "text/plain", empty, "eof"));
    assertThrows(
        IllegalArgumentException.class,
        () -> RawUpstream.stream("200 OK", "text/plain", List.of(), "fin"));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
