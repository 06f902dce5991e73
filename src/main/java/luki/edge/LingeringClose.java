package luki.edge;

import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import luki.http1.InputBuffer;
import luki.http1.IoDeadline;

/**
 * A close that lets the client see the reply: a connection that is closed with bytes unread is
 * reset, and the reply may be lost with it (RFC 9112 §9.6).
 */
record LingeringClose(
    Socket socket, InputBuffer source, IoDeadline deadline, ServerContext shared) {
  private static final Duration MAX_WAIT = Duration.ofSeconds(1);
  private static final int MAX_BYTES = 4 * 1024 * 1024;

  void run() throws IOException {
    socket.shutdownOutput();
    if (deadline.set(shared.now() + MAX_WAIT.toNanos())) {
      byte[] dropped = new byte[8 * 1024];
      int sum = 0;
      for (int n = 0; n >= 0 && sum < MAX_BYTES; sum += n) {
        n = source.read(dropped, 0, dropped.length);
      }
    }
  }
}
