package luki.edge;

import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A listener of this engine. */
final class EdgeServer extends HttpServer {
  private static final int USUAL_BACKLOG = 1024;

  private final ServerContext shared;
  private final ServerSocket listener;
  private final Thread acceptor;
  private @Nullable Executor executor;
  private volatile boolean stopped;

  EdgeServer(ServerContext shared) throws IOException {
    this.shared = shared;
    this.listener = new ServerSocket();
    this.acceptor =
        Thread.ofPlatform().name("edge-accept").unstarted(new Acceptor(listener, shared));
  }

  @Override
  public void bind(InetSocketAddress address, int backlog) throws IOException {
    listener.bind(address, backlog > 0 ? backlog : USUAL_BACKLOG);
  }

  /**
   * Takes connections from now on.
   *
   * @throws IllegalStateException it is not bound, or was started before
   */
  @Override
  public void start() {
    if (!listener.isBound() || listener.isClosed() || acceptor.getState() != Thread.State.NEW) {
      throw new IllegalStateException("not bound, or started before");
    }
    Thread.ofPlatform().daemon().name("edge-sweep").start(this::sweep);
    acceptor.start();
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

  @Override
  public void setExecutor(@Nullable Executor unused) {
    executor = unused;
  }

  @Override
  public @Nullable Executor getExecutor() {
    return executor;
  }

  /** Closes the listener and idle connections, lets exchanges finish, then closes the rest. */
  @Override
  public void stop(int seconds) {
    if (seconds < 0) {
      throw new IllegalArgumentException("a delay in seconds");
    }
    Connections connections = shared.connections();
    connections.beginStop();
    try {
      listener.close();
      acceptor.interrupt();
      acceptor.join();
      connections.forEach(Connection::closeIfIdle);
      if (!connections.awaitNone(Duration.ofSeconds(seconds))) {
        connections.forEach(Connection::abort);
      }
    } catch (IOException _) {
      connections.forEach(Connection::abort);
    } catch (InterruptedException _) {
      connections.forEach(Connection::abort);
      Thread.currentThread().interrupt();
    } finally {
      stopped = true;
    }
  }

  @Override
  public HttpContext createContext(String path, HttpHandler handler) {
    EdgeContext context = new EdgeContext(this, path);
    context.setHandler(handler);
    shared.contexts().add(context);
    return context;
  }

  @Override
  public HttpContext createContext(String path) {
    EdgeContext context = new EdgeContext(this, path);
    shared.contexts().add(context);
    return context;
  }

  @Override
  public void removeContext(String path) {
    shared.contexts().remove(path);
  }

  @Override
  public void removeContext(HttpContext context) {
    shared.contexts().remove(context.getPath());
  }

  @Override
  public InetSocketAddress getAddress() {
    return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
  }
}
