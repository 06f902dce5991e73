package luki.wire;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import luki.http1.BadMessage;
import luki.http1.BodyFraming;
import luki.http1.BodyInput;
import luki.http1.PreparedRequest;
import luki.http1.ResponseParser.ResponseHead;
import luki.wire.RequestWriter.BodyUpload;
import org.jspecify.annotations.Nullable;

/** The engine: a call is a connection from the pool, a request on it, and its reply. */
final class Wire {
  private static final int MAX_INTERIM = 10;
  private static final Duration SWEEP_INTERVAL = Duration.ofMillis(20);

  private final WireSettings settings;
  private final Dialer dialer;
  private final Addresses.Resolver resolver;
  private final Map<PreparedRequest.Origin, OriginPool> pools = new ConcurrentHashMap<>();
  private final AtomicInteger inFlight = new AtomicInteger();
  private volatile boolean closing;

  Wire(WireSettings settings, @Nullable SSLContext tls, Addresses.Resolver resolver) {
    this.settings = settings;
    this.dialer = new Dialer(tls, settings.head());
    this.resolver = resolver;
    Thread.ofPlatform().daemon().name("wire-sweeper").start(this::sweep);
  }

  /**
   * Sends the request and waits for the head of its final reply. Nothing is repeated and no
   * redirect is followed.
   *
   * @param original the request that the caller sees in the reply
   * @param bodyBy when the body of the reply must have been read
   * @throws java.net.ConnectException no connection was made, so nothing was sent
   * @throws BadMessage the reply could be read in two ways, or in none
   * @throws IOException any other failure, a limit that has passed among them
   */
  WireReply<InputStream> call(HttpRequest original, PreparedRequest request, long bodyBy)
      throws IOException, InterruptedException {
    inFlight.incrementAndGet();
    try {
      OriginPool pool = pool(request.origin());
      long headBy = Math.min(request.headBy(), bodyBy);
      PooledConnection connection = pool.take(headBy, request.freshConnection());
      boolean done = false;
      try {
        if (!connection.deadline().set(headBy)) {
          throw new IOException("expired while idle");
        }
        BodyUpload upload = null;
        boolean sent =
            write(
                RequestWriter.write(request, pool.authority(), connection.writeBuffer()),
                connection);
        if (sent && RequestWriter.isLong(request)) {
          upload = BodyUpload.start(request.body(), connection);
        }
        ResponseHead head = finalHead(connection);
        // RFC 9112 §9.5: the rest of the body is not needed after an error.
        if (upload != null && head.status() >= 400) {
          sent = upload.stop();
        }
        ReplyStream body = stream(request.method(), head, connection, pool, bodyBy, sent, upload);
        done = true;
        return new WireReply<>(original, head, connection.session(), body);
      } catch (IOException failure) {
        if (Thread.interrupted()) {
          throw new InterruptedException("while waiting for a reply");
        }
        throw ReplyStream.timeoutOr(connection, failure);
      } finally {
        if (!done) {
          pool.discard(connection);
        }
      }
    } finally {
      inFlight.decrementAndGet();
    }
  }

  private OriginPool pool(PreparedRequest.Origin origin) throws IOException {
    OriginPool known = pools.get(origin);
    OriginPool pool =
        known != null
            ? known
            : pools.computeIfAbsent(origin, to -> new OriginPool(to, dialer, resolver, settings));
    // Checked last: a pool that was added before is closed with the client.
    if (closing) {
      throw new IOException("the client is closed");
    }
    return pool;
  }

  /** False if the peer accepts no more, but has sent a reply. */
  private static boolean write(ByteBuffer bytes, PooledConnection connection) throws IOException {
    try {
      connection.write(bytes);
      return true;
    } catch (IOException refused) {
      if (connection.deadline().hasExpired() || !hasReply(connection)) {
        throw refused;
      }
      return false;
    }
  }

  private static boolean hasReply(PooledConnection connection) {
    try {
      return connection.input().fill();
    } catch (IOException gone) {
      return false;
    }
  }

  private static ResponseHead finalHead(PooledConnection connection) throws IOException {
    for (int interim = 0; interim <= MAX_INTERIM; interim++) {
      ResponseHead head = connection.parser().next();
      if (head == null) {
        throw new EOFException("closed before a reply");
      }
      // RFC 9110 §15.2: others may be ignored. 101 was not asked for.
      if (head.status() >= 200) {
        return head;
      }
      if (head.status() == 101) {
        break;
      }
    }
    throw new BadMessage(BadMessage.Reason.STATUS_LINE);
  }

  private ReplyStream stream(
      String method,
      ResponseHead head,
      PooledConnection connection,
      OriginPool pool,
      long by,
      boolean sent,
      @Nullable BodyUpload upload)
      throws IOException {
    BodyFraming framing =
        BodyFraming.ofResponse(method, head.status(), head.http11(), head.fields());
    if (!connection.deadline().set(by)) {
      throw new IOException("expired");
    }
    BodyInput content = BodyInput.of(framing, connection.input(), settings.head());
    ReplyStream stream =
        new ReplyStream(connection, pool, content, by, sent && head.keepsAlive(), upload);
    stream.endIfRead();
    return stream;
  }

  private void sweep() {
    long refresh = System.nanoTime() + settings.refreshNames().toNanos();
    while (!isOver()) {
      LockSupport.parkNanos(SWEEP_INTERVAL.toNanos());
      long now = System.nanoTime();
      pools.values().forEach(pool -> pool.sweep(now));
      if (now - refresh >= 0) {
        refresh = now + settings.refreshNames().toNanos();
        pools.values().forEach(OriginPool::refreshAddresses);
      }
    }
  }

  /** Connections that are open. */
  int connections() {
    return pools.values().stream().mapToInt(OriginPool::size).sum();
  }

  /** Takes no more calls; those in flight go on. */
  void retire() {
    closing = true;
    pools.values().forEach(OriginPool::retire);
  }

  /** Takes no more calls, and none is in flight. */
  boolean isOver() {
    return closing && inFlight.get() == 0 && connections() == 0;
  }

  void close() {
    retire();
    pools.values().forEach(OriginPool::close);
  }
}
