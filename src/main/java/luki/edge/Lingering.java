package luki.edge;

import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import luki.http1.Expiry;
import luki.http1.Source;

/**
 * A close that lets the client see the reply: a connection that is closed with bytes unread is
 * reset, and the reply may be lost with it (RFC 9112 §9.6).
 */
record Lingering(Socket socket, Source source, Expiry deadline, Shared shared) {
  private static final Duration LONGEST = Duration.ofSeconds(1);
  private static final int MOST_BYTES = 4 * 1024 * 1024;

  void run() throws IOException {
    socket.shutdownOutput();
    if (deadline.set(shared.now() + LONGEST.toNanos())) {
      byte[] dropped = new byte[8 * 1024];
      int sum = 0;
      for (int n = 0; n >= 0 && sum < MOST_BYTES; sum += n) {
        n = source.read(dropped, 0, dropped.length);
      }
    }
  }
}
