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

/** A TCP relay to another port that can break what passes. */
public final class Relay implements AutoCloseable {
  private static final int BACKLOG = 256;

  private final ServerSocket listener;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger tries = new AtomicInteger();
  private volatile int target;
  private volatile Duration delay = Duration.ofMillis(150);
  private volatile Fault fault = Fault.NONE;

  /** What happens to the bytes between the two sides. */
  public enum Fault {
    NONE,
    /** Each connection is closed at once, open ones too. */
    DOWN,
    /** The connection is reset instead of the next part of a reply. */
    RESET,
    /** Nothing passes. */
    STALL,
    /** Each part of a reply comes late. */
    SLOW,
    /** Replies are noise. */
    GARBAGE,
    /** The connection is closed after half of a part of a reply. */
    CUT
  }

  private Relay(ServerSocket listener, int target) {
    this.listener = listener;
    this.target = target;
  }

  public static Relay to(int port) {
    try {
      Relay relay = new Relay(new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress()), port);
      Thread.startVirtualThread(relay::accept);
      return relay;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Connections made from now on lead to another port; open ones stay. */
  public void leadTo(int port) {
    target = port;
  }

  /** Delays each part of a reply from now on. */
  public void delay(Duration time) {
    delay = time;
    use(time.isZero() ? Fault.NONE : Fault.SLOW);
  }

  /** Breaks what passes from now on. */
  public void use(Fault next) {
    fault = next;
    if (next == Fault.DOWN) {
      closeAll();
    }
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
        if (fault == Fault.DOWN) {
          throw new IOException("down");
        }
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

  private void copy(Socket from, Socket to, boolean reply) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] part = new byte[8192];
      for (int n = in.read(part); n >= 0; n = in.read(part)) {
        while (fault == Fault.STALL && !to.isClosed()) {
          Thread.sleep(10);
        }
        int passes = reply ? broken(part, n, to) : n;
        out.write(part, 0, passes);
        if (passes < n) {
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

  /** How many bytes of a part of a reply pass; with fewer than all the connection ends. */
  private int broken(byte[] part, int length, Socket to) throws IOException, InterruptedException {
    switch (fault) {
      case RESET -> {
        to.setSoLinger(true, 0);
        throw new IOException("reset");
      }
      case SLOW -> Thread.sleep(delay);
      case GARBAGE -> {
        for (int i = 0; i < length; i++) {
          part[i] ^= 0x55;
        }
      }
      case CUT -> {
        return length / 2;
      }
      case NONE, DOWN, STALL -> {}
    }
    return length;
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
