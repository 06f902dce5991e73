package luki.gateway.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A TCP relay to another port that can delay replies. */
public final class Relay implements AutoCloseable {
  private final ServerSocket listener;
  private final int target;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger tries = new AtomicInteger();
  private volatile Duration delay = Duration.ZERO;

  private Relay(ServerSocket listener, int target) {
    this.listener = listener;
    this.target = target;
  }

  public static Relay to(int port) {
    try {
      Relay relay = new Relay(new ServerSocket(0, 64, InetAddress.getLoopbackAddress()), port);
      Thread.startVirtualThread(relay::accept);
      return relay;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Delays each part of a reply from now on. */
  public void delay(Duration time) {
    delay = time;
  }

  /** Connections so far, failed ones included. */
  public int tries() {
    return tries.get();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        tries.incrementAndGet();
        open.add(client);
        Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
        open.add(server);
        Thread.startVirtualThread(() -> copy(client, server, false));
        Thread.startVirtualThread(() -> copy(server, client, true));
      } catch (IOException refused) {
        // A closed listener ends the loop; a client whose server is down is closed.
        closeAll();
      }
    }
  }

  private void copy(Socket from, Socket to, boolean delayed) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] piece = new byte[8192];
      for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
        if (delayed && !delay.isZero()) {
          Thread.sleep(delay);
        }
        out.write(piece, 0, n);
      }
    } catch (IOException ended) {
      // One side has closed.
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeAll() {
    for (Socket socket : open) {
      try {
        socket.close();
      } catch (IOException gone) {
        // Ignored: the socket is not used again.
      }
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
      closeAll();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
