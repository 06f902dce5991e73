package luki.edge;

import java.io.IOException;
import java.net.Socket;

/** Ends of sockets, about whose failure nothing can be done. */
final class Sockets {
  private Sockets() {}

  static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException _) {
      // It is closed for us in any case.
    }
  }

  /** Drops what is not sent yet, so that the peer sees a failure rather than an end. */
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
}
