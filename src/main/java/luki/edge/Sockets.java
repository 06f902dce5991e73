package luki.edge;

import java.io.IOException;
import java.net.Socket;
import luki.http1.InputBuffer;
import luki.http1.IoDeadline;

/** Ways to close a socket; where that fails, there is nothing more to do. */
final class Sockets {
  private static final long MAX_LINGER_NANOS = 1_000_000_000;
  private static final int MAX_LINGER_BYTES = 4 * 1024 * 1024;

  private Sockets() {}

  static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException _) {
      // It is closed for us in any case.
    }
  }

  /** Drops unsent bytes, so that the peer sees a failure rather than an end. */
  static void reset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
    } catch (IOException _) {
      // Closed already.
    }
    close(socket);
  }

  static void shutdownInput(Socket socket) {
    try {
      socket.shutdownInput();
    } catch (IOException _) {
      close(socket);
    }
  }

  /**
   * Ends the output and drops what the client still sends for a while, so that it sees the reply: a
   * connection that is closed with bytes unread is reset, and the reply may be lost with it (RFC
   * 9112 §9.6).
   */
  static void linger(Socket socket, InputBuffer source, IoDeadline deadline, long now)
      throws IOException {
    socket.shutdownOutput();
    if (deadline.set(now + MAX_LINGER_NANOS)) {
      byte[] dropped = new byte[8 * 1024];
      int sum = 0;
      for (int n = 0; n >= 0 && sum < MAX_LINGER_BYTES; sum += n) {
        n = source.read(dropped, 0, dropped.length);
      }
    }
  }
}
