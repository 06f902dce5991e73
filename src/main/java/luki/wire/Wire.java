package luki.wire;

import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import luki.http1.BadMessage;
import luki.http1.BodyFraming;
import luki.http1.BodyInput;
import luki.http1.RawClient;
import luki.http1.ResponseHead;
import org.jspecify.annotations.Nullable;

/** The engine: a call is a connection from the pool, a request on it, and its reply. */
final class Wire implements RawClient, AutoCloseable {
  private static final byte[] NOTHING = new byte[0];
  private static final int MAX_INTERIM = 10;
  private static final Duration TICK = Duration.ofMillis(20);

  private final WireSettings settings;
  private final Dialer dialer;
  private final Resolver resolver;
  private final LongSupplier nanoTime;
  private final Map<Origin, OriginPool> pools = new ConcurrentHashMap<>();
  private final AtomicInteger inFlight = new AtomicInteger();
  private volatile boolean closing;

  Wire(WireSettings settings, @Nullable SSLContext tls, Resolver resolver, LongSupplier nanoTime) {
    this.settings = settings;
    this.dialer = new Dialer(tls, settings.head(), nanoTime);
    this.resolver = resolver;
    this.nanoTime = nanoTime;
    Thread.ofPlatform().daemon().name("wire-sweeper").start(this::sweep);
  }

  WireSettings settings() {
    return settings;
  }

  long now() {
    return nanoTime.getAsLong();
  }

  @Override
  public Reply call(Origin origin, Request request, Limits limits)
      throws IOException, InterruptedException {
    return call(origin, request, Upload.of(request.body()), limits);
  }

  /**
   * Makes a call whose body may come in pieces.
   *
   * @param request what stands before the body; its own body is not looked at
   */
  WireReply call(Origin origin, Request request, Upload upload, Limits limits)
      throws IOException, InterruptedException {
    inFlight.incrementAndGet();
    try {
      RequestWriter.check(request);
      OriginPool pool = pool(origin);
      boolean atOnce = upload.length() >= 0 && upload.length() <= RequestWriter.AT_ONCE;
      byte[] body = atOnce ? whole(upload, limits) : NOTHING;
      byte[] head = RequestWriter.head(pool.authority(), request, upload.length(), body);
      PooledConnection link = pool.take(limits);
      boolean done = false;
      try {
        WireReply reply =
            atOnce
                ? send(request.method(), head, link, pool, limits)
                : send(request.method(), head, upload, link, pool, limits);
        done = true;
        return reply;
      } catch (IOException failure) {
        if (Thread.interrupted()) {
          throw new InterruptedException("while waiting for a reply");
        }
        throw WireReply.told(link, failure);
      } finally {
        if (!done) {
          pool.discard(link);
        }
      }
    } finally {
      inFlight.decrementAndGet();
    }
  }

  private byte[] whole(Upload upload, Limits limits) throws IOException, InterruptedException {
    boolean done = false;
    try {
      long by = limits.headBy();
      byte[] body = RequestWriter.whole(upload, by == NEVER ? NEVER : by - now());
      done = true;
      return body;
    } finally {
      if (!done) {
        upload.cancel();
      }
    }
  }

  private OriginPool pool(Origin origin) throws IOException {
    OriginPool known = pools.get(origin);
    OriginPool pool =
        known != null
            ? known
            : pools.computeIfAbsent(
                origin, to -> new OriginPool(to, dialer, resolver, settings, nanoTime));
    // Looked at last: a pool that stands before that is closed with the client.
    if (closing) {
      throw new IOException("the client is closed");
    }
    return pool;
  }

  private WireReply send(
      String method, byte[] bytes, PooledConnection link, OriginPool pool, Limits limits)
      throws IOException {
    begin(link, limits);
    boolean whole = true;
    try {
      link.write(bytes, 0, bytes.length);
    } catch (IOException refused) {
      // A service that has answered and closed may still have its answer read.
      if (link.expiry().hasExpired() || !answersAllTheSame(link)) {
        throw refused;
      }
      whole = false;
    }
    ResponseHead head = finalHead(link);
    return reply(method, head, link, pool, limits, whole ? () -> true : () -> false);
  }

  private WireReply send(
      String method,
      byte[] head,
      Upload upload,
      PooledConnection link,
      OriginPool pool,
      Limits limits)
      throws IOException {
    begin(link, limits);
    link.write(head, 0, head.length);
    BodyUpload pouring = BodyUpload.start(upload, link);
    boolean done = false;
    try {
      ResponseHead answer = finalHead(link);
      // RFC 9112 §9.5: after an error nobody waits for the rest of the body.
      if (answer.status() >= 400) {
        boolean _ = pouring.stop();
      }
      WireReply reply = reply(method, answer, link, pool, limits, pouring::stop);
      done = true;
      return reply;
    } catch (IOException failure) {
      BadBody own = pouring.failure();
      throw own == null ? failure : own;
    } finally {
      if (!done) {
        boolean _ = pouring.stop();
      }
    }
  }

  private static void begin(PooledConnection link, Limits limits) throws IOException {
    if (!link.expiry().set(limits.headBy())) {
      throw new IOException("expired while idle");
    }
  }

  private WireReply reply(
      String method,
      ResponseHead head,
      PooledConnection link,
      OriginPool pool,
      Limits limits,
      RequestWriter.StopSign sentWhole)
      throws IOException {
    BodyFraming length =
        BodyFraming.ofResponse(method, head.status(), head.http11(), head.fields());
    if (!link.expiry().set(limits.end())) {
      throw new IOException("expired");
    }
    BodyInput content = BodyInput.of(length, link.source(), settings.head());
    WireReply.Waits waits =
        new WireReply.Waits(limits.end(), settings.silence().toNanos(), nanoTime);
    WireReply reply = new WireReply(head, link, pool, content, sentWhole, waits);
    reply.endIfRead();
    return reply;
  }

  private static boolean answersAllTheSame(PooledConnection link) {
    try {
      return link.source().fill();
    } catch (IOException gone) {
      return false;
    }
  }

  private ResponseHead finalHead(PooledConnection link) throws IOException {
    for (int interim = 0; interim <= MAX_INTERIM; interim++) {
      ResponseHead head = link.parser().next();
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

  private void sweep() {
    long lookAgain = now() + settings.lookAgain().toNanos();
    while (!isOver()) {
      LockSupport.parkNanos(TICK.toNanos());
      long now = now();
      pools.values().forEach(pool -> pool.sweep(now));
      if (now - lookAgain >= 0) {
        lookAgain = now + settings.lookAgain().toNanos();
        pools.values().forEach(OriginPool::refreshAddresses);
      }
    }
  }

  /** Connections that are open. */
  int connections() {
    return pools.values().stream().mapToInt(OriginPool::size).sum();
  }

  /** Takes no more calls; those under way go on. */
  void retire() {
    closing = true;
    pools.values().forEach(OriginPool::retire);
  }

  /** Takes no more calls, and none is under way. */
  boolean isOver() {
    return closing && inFlight.get() == 0 && connections() == 0;
  }

  @Override
  public void close() {
    retire();
    pools.values().forEach(OriginPool::close);
  }
}
