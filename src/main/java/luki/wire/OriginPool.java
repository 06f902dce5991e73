package luki.wire;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import luki.http1.RawClient;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one origin. The one that was used last is used first, so that the others can
 * grow old and leave.
 */
final class OriginPool {
  private final RawClient.Origin origin;
  private final Dialer dialer;
  private final Resolver resolver;
  private final LongSupplier nanoTime;
  private final int maxIdle;
  private final long idleNanos;
  private final Semaphore room;
  private final Set<Link> all = ConcurrentHashMap.newKeySet();
  private final ConcurrentLinkedDeque<Link> idle = new ConcurrentLinkedDeque<>();

  // The deque counts by walking. Off by a few for a moment, which only moves the limit by as much.
  private final AtomicInteger idleCount = new AtomicInteger();
  private volatile @Nullable List<InetAddress> addresses;
  private volatile boolean closed;

  OriginPool(
      RawClient.Origin origin,
      Dialer dialer,
      Resolver resolver,
      WireSettings settings,
      LongSupplier nanoTime) {
    this.origin = origin;
    this.dialer = dialer;
    this.resolver = resolver;
    this.nanoTime = nanoTime;
    this.maxIdle = settings.maxIdle();
    this.idleNanos = settings.idle().toNanos();
    this.room = new Semaphore(settings.maxConnections());
  }

  /** A connection that was idle and is fit, or a new one. */
  Link take(RawClient.Limits limits) throws IOException, InterruptedException {
    if (!limits.fresh()) {
      for (Link link = pollFirst(); link != null; link = pollFirst()) {
        if (nanoTime.getAsLong() - link.idleSince() < idleNanos
            && isCurrent(link)
            && link.isFit()) {
          return link;
        }
        drop(link);
      }
    }
    return connect(limits);
  }

  private @Nullable Link pollFirst() {
    Link link = idle.pollFirst();
    if (link != null) {
      idleCount.decrementAndGet();
    }
    return link;
  }

  private Link connect(RawClient.Limits limits) throws IOException, InterruptedException {
    long now = nanoTime.getAsLong();
    long by = Math.min(limits.head() - now, limits.connectNanos());
    if (!room.tryAcquire() && !room.tryAcquire(by, TimeUnit.NANOSECONDS)) {
      throw new HttpConnectTimeoutException("every connection is in use");
    }
    boolean done = false;
    try {
      Link link = dialer.connect(origin, known(), now + by);
      all.add(link);
      done = true;
      if (closed) {
        drop(link);
        throw new ConnectException("the client is closed");
      }
      return link;
    } finally {
      if (!done) {
        room.release();
      }
    }
  }

  private List<InetAddress> known() throws ConnectException {
    List<InetAddress> known = addresses;
    return known == null ? lookUp() : known;
  }

  private List<InetAddress> lookUp() throws ConnectException {
    try {
      List<InetAddress> found = resolver.resolve(origin.host());
      addresses = found;
      return found;
    } catch (UnknownHostException unknown) {
      ConnectException failed = new ConnectException("no address");
      failed.initCause(unknown);
      throw failed;
    }
  }

  /** Looks the name up again; while that fails, what was known serves on. */
  void refreshAddresses() {
    if (addresses != null) {
      try {
        lookUp();
      } catch (ConnectException unknown) {
        // Looked up again soon.
      }
    }
  }

  private boolean isCurrent(Link link) {
    List<InetAddress> known = addresses;
    return known == null || known.contains(link.address());
  }

  /** Takes back a connection whose last reply was read to its end. */
  void giveBack(Link link) {
    link.rest(nanoTime.getAsLong());
    if (closed || idleCount.get() >= maxIdle) {
      drop(link);
      return;
    }
    idleCount.incrementAndGet();
    idle.addFirst(link);
    if (closed && idle.remove(link)) {
      idleCount.decrementAndGet();
      drop(link);
    }
  }

  /** Closes it; it is of no more use. */
  void drop(Link link) {
    link.close();
    if (all.remove(link)) {
      room.release();
    }
  }

  /** By the sweeper: ends what has run out of time and what nobody has used for long. */
  void sweep(long now) {
    for (Link link : all) {
      if (link.expiry().expire(now)) {
        link.close();
      }
    }
    for (Link last = idle.peekLast();
        last != null && now - last.idleSince() >= idleNanos;
        last = idle.peekLast()) {
      // Whoever took it meanwhile has it, and it is not in the pool any more.
      if (idle.removeLastOccurrence(last)) {
        idleCount.decrementAndGet();
        drop(last);
      }
    }
  }

  /** Connections that are open, idle or in use. */
  int size() {
    return all.size();
  }

  /** Ends idle connections now and others when they come back. */
  void retire() {
    closed = true;
    for (Link link = pollFirst(); link != null; link = pollFirst()) {
      drop(link);
    }
  }

  /** Ends every connection. */
  void close() {
    retire();
    all.forEach(this::drop);
  }
}
