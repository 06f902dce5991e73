package luki.wire;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.util.ArrayDeque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import luki.http1.Grammar;
import luki.http1.RawClient;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one origin. The one that was used last is used first, so that the others can
 * grow old and leave. A call has a place while it has a connection; one is made only where none is
 * idle, so that there are never more connections than places.
 */
final class OriginPool {
  private final RawClient.Origin origin;
  private final String authority;
  private final Dialer dialer;
  private final Addresses addresses;
  private final LongSupplier nanoTime;
  private final int maxConnections;
  private final int maxIdle;
  private final long idleNanos;
  private final Semaphore permits;
  private final Set<PooledConnection> all = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  // Guarded by the lock, as is whether more may come in.
  private final ArrayDeque<PooledConnection> idle = new ArrayDeque<>();
  private boolean retired;
  private volatile boolean closed;

  /**
   * Makes an empty one.
   *
   * @throws IllegalArgumentException the origin could not stand in a {@code Host} line
   */
  OriginPool(
      RawClient.Origin origin,
      Dialer dialer,
      Resolver resolver,
      WireSettings settings,
      LongSupplier nanoTime) {
    this.origin = origin;
    this.authority = origin.authority();
    if (!Grammar.isHost(authority)) {
      throw new IllegalArgumentException("not a host");
    }
    this.dialer = dialer;
    this.addresses = new Addresses(origin.host(), resolver);
    this.nanoTime = nanoTime;
    this.maxConnections = settings.maxConnections();
    this.maxIdle = settings.maxIdle();
    this.idleNanos = settings.idle().toNanos();
    this.permits = new Semaphore(maxConnections);
  }

  /** What {@code Host} says. */
  String authority() {
    return authority;
  }

  /**
   * A connection that was idle and is fit, or a new one. To be given back or discarded, once.
   *
   * @throws HttpConnectTimeoutException none could be had in time
   * @throws ConnectException none could be made
   */
  PooledConnection take(RawClient.Limits limits) throws IOException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("before a connection was taken");
    }
    long now = nanoTime.getAsLong();
    long by = limits.headBy();
    long left =
        by == RawClient.NEVER ? limits.connectNanos() : Math.min(limits.connectNanos(), by - now);
    if (left <= 0) {
      throw new HttpConnectTimeoutException("no time is left");
    }
    if (!permits.tryAcquire() && !permits.tryAcquire(left, TimeUnit.NANOSECONDS)) {
      throw new HttpConnectTimeoutException("every connection is in use");
    }
    boolean done = false;
    try {
      PooledConnection fit = limits.fresh() ? null : reuse();
      PooledConnection link = fit == null ? connect(now + left) : fit;
      done = true;
      return link;
    } finally {
      if (!done) {
        permits.release();
      }
    }
  }

  private @Nullable PooledConnection reuse() {
    for (PooledConnection link = newest(); link != null; link = newest()) {
      if (nanoTime.getAsLong() - link.idleSince() < idleNanos
          && addresses.has(link.address())
          && link.isReusable()) {
        return link;
      }
      drop(link);
    }
    return null;
  }

  private PooledConnection connect(long by) throws IOException, InterruptedException {
    // Only a call that wants a fresh one comes here while others are idle.
    PooledConnection surplus = all.size() < maxConnections ? null : oldest(nanoTime.getAsLong());
    if (surplus != null) {
      drop(surplus);
    }
    PooledConnection link =
        dialer.connect(origin, addresses.within(by - nanoTime.getAsLong()), by, all);
    if (closed) {
      drop(link);
      throw new ConnectException("the client is closed");
    }
    return link;
  }

  private @Nullable PooledConnection newest() {
    lock.lock();
    try {
      return idle.pollFirst();
    } finally {
      lock.unlock();
    }
  }

  /** Takes the one that was idle for longest out, if it was so before that moment. */
  private @Nullable PooledConnection oldest(long before) {
    lock.lock();
    try {
      PooledConnection last = idle.peekLast();
      return last == null || last.idleSince() - before > 0 ? null : idle.pollLast();
    } finally {
      lock.unlock();
    }
  }

  /** Takes back a connection whose last reply was read to its end. */
  void giveBack(PooledConnection link) {
    link.rest(nanoTime.getAsLong());
    boolean kept = false;
    lock.lock();
    try {
      if (!retired && idle.size() < maxIdle) {
        idle.addFirst(link);
        kept = true;
      }
    } finally {
      lock.unlock();
    }
    if (!kept) {
      drop(link);
    }
    permits.release();
  }

  /** Takes back a connection that is of no more use. */
  void discard(PooledConnection link) {
    drop(link);
    permits.release();
  }

  private void drop(PooledConnection link) {
    link.close();
    all.remove(link);
  }

  /** By the sweeper: ends what has run out of time and what nobody has used for long. */
  void sweep(long now) {
    for (PooledConnection link : all) {
      if (link.expiry().expire(now)) {
        link.close();
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

  /** Connections that are open, idle, in use or being made. */
  int size() {
    return all.size();
  }

  /** Ends idle connections now and others when they come back. */
  void retire() {
    lock.lock();
    try {
      retired = true;
    } finally {
      lock.unlock();
    }
    for (PooledConnection link = newest(); link != null; link = newest()) {
      drop(link);
    }
  }

  /** Ends every connection; whoever has one hears of it at once. */
  void close() {
    closed = true;
    retire();
    all.forEach(this::drop);
  }
}
