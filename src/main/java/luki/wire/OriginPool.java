package luki.wire;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import luki.http1.IoDeadline;
import luki.http1.PreparedRequest;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one origin. The one that was used last is used first, so that the others reach
 * their idle limit. A call keeps a permit while it has a connection, and a new one is opened only
 * where none is idle, so there are never more connections than permits.
 */
final class OriginPool {
  private final PreparedRequest.Origin origin;
  private final String authority;
  private final Supplier<SSLContext> tls;
  private final Addresses addresses;
  private final WireSettings settings;
  private final long idleNanos;
  private final long connectNanos;
  private final long silenceNanos;
  private final Semaphore permits;
  private final Set<PooledConnection> all = ConcurrentHashMap.newKeySet();
  // Guarded by this pool's monitor.
  private final ArrayDeque<PooledConnection> idle = new ArrayDeque<>();
  private volatile boolean closed;

  OriginPool(
      PreparedRequest.Origin origin,
      Supplier<SSLContext> tls,
      Addresses.Resolver resolver,
      WireSettings settings) {
    this.origin = origin;
    this.authority = origin.authority();
    this.tls = tls;
    this.addresses = new Addresses(origin.host(), resolver);
    this.settings = settings;
    this.idleNanos = settings.idle().toNanos();
    this.connectNanos = settings.connect().toNanos();
    this.silenceNanos = settings.silence().toNanos();
    this.permits = new Semaphore(settings.maxConnections());
  }

  /** The value of {@code Host}. */
  String authority() {
    return authority;
  }

  /** Longest wait for the next bytes of a body. */
  long silenceNanos() {
    return silenceNanos;
  }

  /**
   * An idle connection that is still good, or a new one. To be given back or discarded, once.
   *
   * @param by when the call ends, or {@link PreparedRequest#NEVER}
   * @param fresh only a new one
   * @throws HttpConnectTimeoutException none was available in time
   * @throws ConnectException none could be opened
   */
  PooledConnection take(long by, boolean fresh) throws IOException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("before a connection was taken");
    }
    long now = System.nanoTime();
    long left = by == PreparedRequest.NEVER ? connectNanos : Math.min(connectNanos, by - now);
    if (left <= 0) {
      throw new HttpConnectTimeoutException("no time is left");
    }
    if (!permits.tryAcquire() && !permits.tryAcquire(left, TimeUnit.NANOSECONDS)) {
      throw new HttpConnectTimeoutException("every connection is in use");
    }
    boolean done = false;
    try {
      PooledConnection idle = fresh ? null : reuse(now);
      PooledConnection connection = idle == null ? connect(now + left) : idle;
      done = true;
      return connection;
    } finally {
      if (!done) {
        permits.release();
      }
    }
  }

  private @Nullable PooledConnection reuse(long now) {
    for (PooledConnection newest = newest(); newest != null; newest = newest()) {
      if (now - newest.idleSince() < idleNanos
          && addresses.contains(newest.address())
          && newest.isReusable()) {
        return newest;
      }
      drop(newest);
    }
    return null;
  }

  private PooledConnection connect(long by) throws IOException, InterruptedException {
    long now = System.nanoTime();
    // Only a call for a fresh connection gets here while others are idle.
    PooledConnection surplus = all.size() < settings.maxConnections() ? null : oldest(now);
    if (surplus != null) {
      drop(surplus);
    }
    List<InetAddress> known = addresses.within(by - now);
    PooledConnection connection = closed ? null : open(known, by);
    if (connection != null && !closed) {
      return connection;
    }
    if (connection != null) {
      drop(connection);
    }
    throw new ConnectException("the client is closed");
  }

  /**
   * Connects by that moment, with an equal share of the time left for each address.
   *
   * @throws HttpConnectTimeoutException the time has passed
   * @throws ConnectException no address accepted the connection
   */
  private PooledConnection open(List<InetAddress> of, long by)
      throws IOException, InterruptedException {
    IOException last = new UnknownHostException("no address");
    for (int i = 0; i < of.size(); i++) {
      long now = System.nanoTime();
      long share = (by - now) / (of.size() - i);
      if (share <= 0) {
        throw new HttpConnectTimeoutException("no connection in time");
      }
      try {
        return open(of.get(i), now + share);
      } catch (IOException failed) {
        if (Thread.interrupted()) {
          throw new InterruptedException("while connecting");
        }
        last = failed;
      }
    }
    if (last instanceof HttpConnectTimeoutException late) {
      throw late;
    }
    ConnectException failed = new ConnectException("no connection");
    failed.initCause(last);
    throw failed;
  }

  private PooledConnection open(InetAddress address, long by) throws IOException {
    PooledConnection connection =
        new PooledConnection(SocketChannel.open(), address, settings.head());
    boolean done = false;
    try {
      connection.expireAt(by);
      // From now on the sweeper closes it when its time is over.
      all.add(connection);
      connection.connect(origin.port());
      if (origin.tls()) {
        connection.secure(tls.get(), origin);
      }
      connection.expireAt(IoDeadline.NONE);
      done = true;
      return connection;
    } catch (IOException failed) {
      if (!connection.deadline().hasExpired()) {
        throw failed;
      }
      HttpConnectTimeoutException late = new HttpConnectTimeoutException("no connection in time");
      late.initCause(failed);
      throw late;
    } finally {
      if (!done) {
        drop(connection);
      }
    }
  }

  private synchronized @Nullable PooledConnection newest() {
    return idle.pollFirst();
  }

  /** Removes the connection that was idle for longest, if it was so before that moment. */
  private synchronized @Nullable PooledConnection oldest(long before) {
    PooledConnection last = idle.peekLast();
    return last == null || last.idleSince() - before > 0 ? null : idle.pollLast();
  }

  /** Takes back a connection whose last reply was read to its end. */
  void giveBack(PooledConnection connection) {
    connection.setIdle(System.nanoTime());
    if (!keep(connection)) {
      drop(connection);
    }
    permits.release();
  }

  private synchronized boolean keep(PooledConnection connection) {
    return !closed && idle.size() < settings.maxIdle() && idle.offerFirst(connection);
  }

  /** Takes back a connection that cannot be used again. */
  void discard(PooledConnection connection) {
    drop(connection);
    permits.release();
  }

  private void drop(PooledConnection connection) {
    connection.close();
    all.remove(connection);
  }

  /** Called by the sweeper: closes what has passed its deadline or its idle limit. */
  void sweep(long now) {
    for (PooledConnection connection : all) {
      if (connection.deadline().expire(now)) {
        connection.close();
      }
    }
    for (PooledConnection old = oldest(now - idleNanos);
        old != null;
        old = oldest(now - idleNanos)) {
      drop(old);
    }
  }

  void refreshAddresses() {
    addresses.refresh();
  }

  /** Connections that are open or being opened. */
  int size() {
    return all.size();
  }

  /** It is closed, and no call has a connection or waits for one to be opened. */
  boolean isOver() {
    return closed && permits.availablePermits() == settings.maxConnections();
  }

  /** Closes every connection; a call that has one fails at once. */
  void close() {
    closed = true;
    for (PooledConnection idle = newest(); idle != null; idle = newest()) {
      drop(idle);
    }
    all.forEach(this::drop);
  }
}
