package luki.gateway.chaos;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A TCP relay between a gateway and a service that breaks what passes. */
final class FaultyRelay implements AutoCloseable {
  private static final long SLOW_MILLIS = 150;

  private final ServerSocket listener;
  private final int target;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private volatile Fault fault = Fault.NONE;

  /** What happens to the bytes between them. */
  enum Fault {
    NONE,
    /** Connections are closed at once, those that are open too. */
    DOWN,
    /** A reset instead of the next part of a reply. */
    RESET,
    /** Nothing passes. */
    STALL,
    /** Each part of a reply comes late. */
    SLOW,
    /** Replies are noise. */
    GARBAGE,
    /** Half of a part of a reply, then the end. */
    CUT
  }

  FaultyRelay(int target) {
    try {
      this.listener = new ServerSocket(0, 256, InetAddress.getLoopbackAddress());
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    this.target = target;
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  String url() {
    return "http://127.0.0.1:" + port();
  }

  void use(Fault next) {
    fault = next;
    if (next == Fault.DOWN) {
      open.forEach(FaultyRelay::close);
    }
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        if (fault == Fault.DOWN) {
          client.close();
          continue;
        }
        Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
        open.add(client);
        open.add(server);
        Thread.ofVirtual().start(() -> copy(client, server, false));
        Thread.ofVirtual().start(() -> copy(server, client, true));
      } catch (IOException closed) {
        // The listener was closed, or the service refuses.
      }
    }
  }

  private void copy(Socket from, Socket to, boolean reply) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] part = new byte[8192];
      for (int n = in.read(part); n >= 0; n = in.read(part)) {
        while (fault == Fault.STALL) {
          Thread.sleep(10);
        }
        if (!reply || pass(part, n, to)) {
          out.write(part, 0, n);
        } else {
          out.write(part, 0, n / 2);
          return;
        }
      }
    } catch (IOException ended) {
      // One side has closed.
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(from);
      open.remove(to);
    }
  }

  /** Whether the part passes whole. */
  private boolean pass(byte[] part, int length, Socket to)
      throws IOException, InterruptedException {
    switch (fault) {
      case RESET -> {
        to.setSoLinger(true, 0);
        throw new IOException("reset");
      }
      case SLOW -> Thread.sleep(SLOW_MILLIS);
      case GARBAGE -> {
        for (int i = 0; i < length; i++) {
          part[i] ^= 0x55;
        }
      }
      case CUT -> {
        return false;
      }
      case NONE, DOWN, STALL -> {}
    }
    return true;
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException gone) {
      // It is not used again.
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException gone) {
      // It is not used again.
    }
    open.forEach(FaultyRelay::close);
  }
}
