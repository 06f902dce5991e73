package luki.gateway.defects;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import luki.gateway.standin.RawConnection;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Processes;

/** Services that misbehave, and well-behaved answers for where they do not. */
final class FaultyServices {
  private static final String HEALTH = "GET /health ";

  private FaultyServices() {}

  /** What to do with a request that is no question for health. */
  @FunctionalInterface
  interface Fault {
    void answer(RawConnection connection, String request) throws Exception;
  }

  /** Well to those who ask for its health, and to all others as the fault says. */
  static RawUpstream faulty(Fault fault) {
    return RawUpstream.start(
        connection -> {
          while (true) {
            String request = connection.readRequest();
            if (request.startsWith(HEALTH)) {
              connection.send(reply("200 OK", "{}"));
            } else {
              fault.answer(connection, request);
            }
          }
        });
  }

  static String reply(String status, String json) {
    return "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(status, json.getBytes(StandardCharsets.UTF_8).length, json);
  }

  /** The requests but for those for its health. */
  static List<String> calls(RawUpstream downstream) {
    return downstream.requests().stream().filter(r -> !r.startsWith(HEALTH)).toList();
  }

  /** Sends byte by byte with a pause after each, until the peer has had enough. */
  static void drip(RawConnection connection, String text, Duration pause) throws IOException {
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      connection.send(new byte[] {b});
      if (connection.peerClosed(pause)) {
        return;
      }
    }
  }

  /** An address where nobody listens. */
  static String nobody() {
    try {
      return "http://127.0.0.1:" + Processes.freePort();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
