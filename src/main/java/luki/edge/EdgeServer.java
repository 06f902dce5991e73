package luki.edge;

import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import luki.http1.ByteBudget;
import luki.http1.Refusals;
import org.jspecify.annotations.Nullable;

/** A listener of this engine. It has one handler, for every path. */
public final class EdgeServer extends HttpServer {
  private static final int USUAL_BACKLOG = 1024;
  private static final Duration REST = Duration.ofMillis(50);
  private static final Duration LAST_REPLIES = Duration.ofMillis(100);

  private final ServerContext shared;
  private final ServerSocket listener;
  private final Thread acceptor;
  private volatile boolean stopped;

  /** What all connections of one server have in common. */
  record ServerContext(
      EdgeLimits limits,
      HttpHandler handler,
      Refusals refusals,
      ByteBudget memory,
      LongSupplier nanoTime,
      DateLine date,
      WriteBuffer.Pool buffers,
      Connections connections) {
    long now() {
      return nanoTime.getAsLong();
    }
  }

  /**
   * Binds a listener on the system's clocks; it takes connections once it is started.
   *
   * @param memory for heads that are longer than usual
   * @throws IOException the address is taken or not this machine's
   */
  public EdgeServer(
      InetSocketAddress address,
      int backlog,
      EdgeLimits limits,
      HttpHandler handler,
      Refusals refusals,
      ByteBudget memory)
      throws IOException {
    this(limits, handler, refusals, memory, System::nanoTime, new Connections(limits));
    bind(address, backlog);
  }

  EdgeServer(
      EdgeLimits limits,
      HttpHandler handler,
      Refusals refusals,
      ByteBudget memory,
      LongSupplier nanoTime,
      Connections connections)
      throws IOException {
    this.shared =
        new ServerContext(
            limits,
            handler,
            refusals,
            memory,
            nanoTime,
            new DateLine(InstantSource.system()),
            new WriteBuffer.Pool(),
            connections);
    this.listener = new ServerSocket();
    this.acceptor = Thread.ofPlatform().name("edge-accept").unstarted(this::acceptAll);
  }

  @Override
  public void bind(InetSocketAddress address, int backlog) throws IOException {
    listener.bind(address, backlog > 0 ? backlog : USUAL_BACKLOG);
  }

  /** Takes connections from now on. */
  @Override
  public void start() {
    acceptor.start();
    Thread.ofPlatform().daemon().name("edge-sweep").start(this::sweep);
  }

  /** Accepts connections while there are fewer than the maximum. */
  private void acceptAll() {
    try {
      while (!listener.isClosed()) {
        shared.connections().awaitRoom();
        if (!accept()) {
          shared.connections().giveRoomBack();
        }
      }
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether a connection was begun. */
  private boolean accept() throws InterruptedException {
    Socket socket;
    try {
      socket = listener.accept();
    } catch (IOException failed) {
      // Most likely out of file descriptors: retry when connections have closed.
      if (!listener.isClosed()) {
        Thread.sleep(REST);
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

  /** One thread that checks every deadline, so that no read or write needs a timer. */
  private void sweep() {
    long tick = shared.limits().tick().toNanos();
    while (!stopped) {
      LockSupport.parkNanos(tick);
      shared.date().tick();
      long now = shared.now();
      shared.connections().forEach(connection -> connection.sweep(now));
    }
  }

  /** Has no effect: a connection's own thread runs the handler. */
  @Override
  public void setExecutor(@Nullable Executor unused) {}

  @Override
  public @Nullable Executor getExecutor() {
    return null;
  }

  /**
   * Closes the listener and idle connections, lets exchanges finish, then interrupts their handlers
   * and, after a moment for the replies, closes the rest.
   */
  @Override
  public void stop(int seconds) {
    Connections connections = shared.connections();
    connections.beginStop();
    try {
      listener.close();
      acceptor.interrupt();
      acceptor.join();
      connections.forEach(Connection::closeIfIdle);
      connections.awaitNone(Duration.ofSeconds(seconds));
      // A handler that has read its request replies now, or never.
      connections.forEach(connection -> connection.watch().interruptHandler());
      connections.awaitNone(LAST_REPLIES);
    } catch (IOException _) {
      // The listener is closed in any case.
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      connections.forEach(Connection::abort);
      stopped = true;
    }
  }

  @Override
  public HttpContext createContext(String path, HttpHandler handler) {
    throw new UnsupportedOperationException("contexts: this server has one handler");
  }

  @Override
  public HttpContext createContext(String path) {
    throw new UnsupportedOperationException("contexts: this server has one handler");
  }

  @Override
  public void removeContext(String path) {
    throw new UnsupportedOperationException("contexts: this server has one handler");
  }

  @Override
  public void removeContext(HttpContext context) {
    removeContext(context.getPath());
  }

  @Override
  public InetSocketAddress getAddress() {
    return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
  }
}
