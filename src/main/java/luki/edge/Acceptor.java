package luki.edge;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;

/** Accepts connections while there are fewer than the maximum. */
final class Acceptor implements Runnable {
  private static final Duration MIN_REST = Duration.ofMillis(10);
  private static final Duration MAX_REST = Duration.ofSeconds(1);

  private final ServerSocket listener;
  private final ServerContext shared;
  private Duration rest = MIN_REST;

  Acceptor(ServerSocket listener, ServerContext shared) {
    this.listener = listener;
    this.shared = shared;
  }

  @Override
  public void run() {
    try {
      while (!listener.isClosed()) {
        shared.connections().awaitRoom();
        if (!accept()) {
          shared.connections().giveRoomBack();
        }
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether a connection was begun. */
  private boolean accept() throws InterruptedException {
    Socket socket;
    try {
      socket = listener.accept();
      rest = MIN_REST;
    } catch (IOException failed) {
      // Most likely out of file descriptors: retry when connections have closed.
      if (!listener.isClosed()) {
        Thread.sleep(rest);
        Duration longer = rest.multipliedBy(2);
        rest = longer.compareTo(MAX_REST) < 0 ? longer : MAX_REST;
      }
      return false;
    }
    return begin(socket);
  }

  private boolean begin(Socket socket) {
    try {
      socket.setTcpNoDelay(true);
      Connection connection = new Connection(socket, shared);
      if (shared.connections().admits(socket.getInetAddress())) {
        shared.connections().add(connection);
        connection.start();
        return true;
      }
    } catch (IOException _) {
      // Its client is gone already.
    }
    Sockets.close(socket);
    return false;
  }
}
