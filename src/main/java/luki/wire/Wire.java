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
import luki.http1.BodyInput;
import luki.http1.BodyLength;
import luki.http1.RawClient;
import luki.http1.ResponseHead;
import org.jspecify.annotations.Nullable;

/** The engine: a call is a connection from the pool, a request on it, and its reply. */
final class Wire implements RawClient, AutoCloseable {
  private static final int MAX_INTERIM = 10;
  private static final Duration TICK = Duration.ofMillis(20);

  private final WireSettings settings;
  private final Dialer dialer;
  private final Resolver resolver;
  private final LongSupplier nanoTime;
  private final Map<Origin, OriginPool> pools = new ConcurrentHashMap<>();
  private final AtomicInteger underWay = new AtomicInteger();
  private final Thread sweeper;
  private volatile boolean closing;

  Wire(WireSettings settings, @Nullable SSLContext tls, Resolver resolver, LongSupplier nanoTime) {
    this.settings = settings;
    this.dialer = new Dialer(tls, settings.head(), nanoTime);
    this.resolver = resolver;
    this.nanoTime = nanoTime;
    this.sweeper = Thread.ofPlatform().daemon().name("wire-sweeper").start(this::sweep);
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
    String method = request.method();
    boolean atOnce = upload.length() >= 0 && upload.length() <= Sending.AT_ONCE;
    byte[] first = atOnce ? whole(upload) : new byte[0];
    byte[] bytes =
        Sending.head(origin, method, request.target(), request.fields(), upload.length(), first);
    if (closing) {
      throw new IOException("the client is closed");
    }
    underWay.incrementAndGet();
    OriginPool pool = pool(origin);
    try {
      Link link = pool.take(limits);
      boolean done = false;
      try {
        WireReply reply = exchange(method, bytes, atOnce ? null : upload, link, pool, limits);
        done = true;
        return reply;
      } catch (IOException failure) {
        throw WireReply.told(link, failure);
      } finally {
        if (!done) {
          pool.drop(link);
        }
      }
    } finally {
      underWay.decrementAndGet();
    }
  }

  private static byte[] whole(Upload upload) throws IOException, InterruptedException {
    byte[] first = upload.next();
    if (first == null) {
      first = new byte[0];
    }
    int length = (int) upload.length();
    if (first.length == length) {
      return first;
    }
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] piece = first; piece != null; piece = upload.next()) {
      if (at + piece.length > length) {
        throw new BadBody("longer than it was said to be");
      }
      System.arraycopy(piece, 0, all, at, piece.length);
      at += piece.length;
    }
    if (at < length) {
      throw new BadBody("shorter than it was said to be");
    }
    return all;
  }

  private OriginPool pool(Origin origin) {
    OriginPool known = pools.get(origin);
    return known != null
        ? known
        : pools.computeIfAbsent(
            origin, to -> new OriginPool(to, dialer, resolver, settings, nanoTime));
  }

  private WireReply exchange(
      String method, byte[] head, @Nullable Upload rest, Link link, OriginPool pool, Limits limits)
      throws IOException {
    if (!link.expiry().set(Math.min(limits.head(), limits.end()))) {
      throw new IOException("expired while idle");
    }
    Pouring pouring = null;
    if (rest == null) {
      send(head, link);
    } else {
      link.write(head, 0, head.length);
      pouring = Pouring.start(rest, link);
    }
    ResponseHead answer = finalHead(link, pouring);
    BodyLength length =
        BodyLength.ofResponse(method, answer.status(), answer.http11(), answer.fields());
    if (!link.expiry().set(limits.end())) {
      throw new IOException("expired");
    }
    Sending.StopSign sentWhole = pouring == null ? () -> true : pouring::stop;
    WireReply reply =
        new WireReply(
            answer, link, pool, BodyInput.of(length, link.source(), settings.head()), sentWhole);
    reply.endIfRead();
    return reply;
  }

  /** A service that has answered and closed may still have its answer read. */
  private static void send(byte[] head, Link link) throws IOException {
    try {
      link.write(head, 0, head.length);
    } catch (IOException refused) {
      if (link.expiry().hasExpired() || !answersAllTheSame(link)) {
        throw refused;
      }
    }
  }

  private static boolean answersAllTheSame(Link link) {
    try {
      return link.source().fill();
    } catch (IOException gone) {
      return false;
    }
  }

  private ResponseHead finalHead(Link link, @Nullable Pouring pouring) throws IOException {
    for (int interim = 0; interim <= MAX_INTERIM; interim++) {
      ResponseHead head = link.parser().next();
      if (head == null) {
        IOException cause = pouring == null ? null : pouring.failure();
        throw cause == null ? new EOFException("closed before a reply") : cause;
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
    while (!Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(TICK.toNanos());
      long now = now();
      pools.values().forEach(pool -> pool.sweep(now));
      if (now - lookAgain >= 0) {
        lookAgain = now + settings.lookAgain().toNanos();
        // Elsewhere: a name server that is slow must not hold deadlines up.
        Thread.ofVirtual()
            .name("wire-names")
            .start(() -> pools.values().forEach(OriginPool::refreshAddresses));
      }
    }
  }

  int underWay() {
    return underWay.get();
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

  boolean isRetired() {
    return closing;
  }

  @Override
  public void close() {
    retire();
    pools.values().forEach(OriginPool::close);
    sweeper.interrupt();
  }
}
