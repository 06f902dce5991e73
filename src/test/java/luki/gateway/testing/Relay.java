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

/** A way to another port on which answers may take their time. */
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

  /** From now on each piece of an answer comes that much later. */
  public void delay(Duration time) {
    delay = time;
  }

  /** Connections that were tried so far. */
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
        // A closed listener ends the loop; a client whose server is not there sees its end.
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
      // Either side has left.
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeAll() {
    for (Socket socket : open) {
      try {
        socket.close();
      } catch (IOException gone) {
        // It is closed in any case.
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
