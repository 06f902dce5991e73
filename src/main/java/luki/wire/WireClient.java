package luki.wire;

import java.io.IOException;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.InetAddress;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import luki.http1.BadMessage;
import luki.http1.BodyFraming;
import luki.http1.BodyInput;
import luki.http1.PreparedRequest;
import luki.http1.ResponseParser.ResponseHead;
import luki.http1.TimedBody;
import luki.wire.RequestWriter.BodyUpload;
import org.jspecify.annotations.Nullable;

/**
 * The client: a call is a connection from the pool, a request on it, and its reply. It sends each
 * {@link PreparedRequest} with a {@link TimedBody}, and nothing else. It has a thread and pools, so
 * it must be closed.
 */
public final class WireClient extends HttpClient {
  private static final Duration SWEEP_INTERVAL = Duration.ofMillis(20);

  private final WireSettings settings;
  private final @Nullable SSLContext tls;
  private final Addresses.Resolver resolver;
  private final Map<PreparedRequest.Origin, OriginPool> pools = new ConcurrentHashMap<>();
  private volatile boolean closed;

  /** With the process's default TLS context. */
  public WireClient(WireSettings settings) {
    this(settings, null, Addresses.Resolver.ofSystem());
  }

  /**
   * A client that connects to allowed addresses only. What a name resolves to is checked after each
   * look-up, and a connection is opened to the address that was checked: the name is not looked up
   * again for it. An address in place of a name is checked likewise.
   *
   * @param lookUps a permit for each look-up that runs, for all such clients together
   */
  public static WireClient restricted(
      WireSettings settings, Predicate<InetAddress> allowed, Semaphore lookUps) {
    return new WireClient(
        settings, null, Addresses.Resolver.ofSystem().within(lookUps).only(allowed));
  }

  /**
   * With a TLS context and a resolver.
   *
   * @param tls null for the process's default
   */
  WireClient(WireSettings settings, @Nullable SSLContext tls, Addresses.Resolver resolver) {
    this.settings = settings;
    this.tls = tls;
    this.resolver = resolver;
    Thread.ofPlatform().daemon().name("wire-sweeper").start(this::sweep);
  }

  /** Connections that are open, idle or in use. */
  public int connections() {
    return pools.values().stream().mapToInt(OriginPool::size).sum();
  }

  /**
   * Sends the request and waits for the head of its final reply. Nothing is repeated and no
   * redirect is followed.
   *
   * @throws java.net.ConnectException no connection was made, so nothing was sent
   * @throws BadMessage the reply could be read in two ways, or in none
   * @throws IOException any other failure, a limit that has passed among them
   */
  @Override
  @SuppressWarnings("unchecked") // A TimedBody is a handler of streams: T is InputStream.
  public <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws IOException, InterruptedException {
    if (request instanceof PreparedRequest prepared && handler instanceof TimedBody body) {
      return (HttpResponse<T>) (HttpResponse<?>) call(prepared, body.by());
    }
    throw unsupported("requests and bodies of other kinds");
  }

  private WireReply call(PreparedRequest request, long bodyBy)
      throws IOException, InterruptedException {
    OriginPool pool = pool(request.origin());
    long headBy = Math.min(request.headBy(), bodyBy);
    PooledConnection connection = pool.take(headBy, request.freshConnection());
    boolean done = false;
    try {
      connection.expireAt(headBy);
      BodyUpload upload = null;
      boolean sent =
          connection.send(RequestWriter.write(request, pool.authority(), connection.writeBuffer()));
      if (sent && RequestWriter.isLong(request)) {
        upload = BodyUpload.start(request.body(), connection);
      }
      ResponseHead head = connection.finalHead();
      // RFC 9112 §9.5: the rest of the body is not needed after an error.
      if (upload != null && head.status() >= 400) {
        sent = upload.stop();
      }
      BodyFraming framing =
          BodyFraming.ofResponse(request.method(), head.status(), head.http11(), head.fields());
      connection.expireAt(bodyBy);
      BodyInput content = BodyInput.of(framing, connection.input(), settings.head());
      boolean reusable = sent && head.fields().keepAlive(head.http11());
      ReplyStream body = new ReplyStream(connection, pool, content, bodyBy, reusable, upload);
      body.endIfRead();
      done = true;
      return new WireReply(request, head, body);
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
  }

  private OriginPool pool(PreparedRequest.Origin origin) throws IOException {
    OriginPool known = pools.get(origin);
    OriginPool pool =
        known != null
            ? known
            : pools.computeIfAbsent(
                origin, to -> new OriginPool(to, this::sslContext, resolver, settings));
    // Checked last: a pool that was added before is closed with the client.
    if (closed) {
      pool.close();
      throw new IOException("the client is closed");
    }
    return pool;
  }

  private void sweep() {
    long refresh = System.nanoTime() + settings.refreshNames().toNanos();
    while (!isTerminated()) {
      LockSupport.parkNanos(SWEEP_INTERVAL.toNanos());
      long now = System.nanoTime();
      pools.values().forEach(pool -> pool.sweep(now));
      if (now - refresh >= 0) {
        refresh = now + settings.refreshNames().toNanos();
        pools.values().forEach(OriginPool::refreshAddresses);
      }
    }
  }

  /** Takes no more calls and closes every connection; a call that has one fails at once. */
  @Override
  public void shutdownNow() {
    closed = true;
    pools.values().forEach(OriginPool::close);
  }

  /** Does not wait for the calls in flight, unlike the JDK's client. */
  @Override
  public void close() {
    shutdownNow();
  }

  /** It takes no more calls, and none is in flight. */
  @Override
  public boolean isTerminated() {
    return closed && pools.values().stream().allMatch(OriginPool::isOver);
  }

  private static UnsupportedOperationException unsupported(String what) {
    return new UnsupportedOperationException(what + ": use HTTP_CLIENT=jdk");
  }

  @Override
  public <T> CompletableFuture<HttpResponse<T>> sendAsync(
      HttpRequest request, HttpResponse.BodyHandler<T> handler) {
    throw unsupported("sendAsync");
  }

  @Override
  public <T> CompletableFuture<HttpResponse<T>> sendAsync(
      HttpRequest request,
      HttpResponse.BodyHandler<T> handler,
      HttpResponse.@Nullable PushPromiseHandler<T> pushes) {
    throw unsupported("sendAsync");
  }

  @Override
  public Optional<CookieHandler> cookieHandler() {
    return Optional.empty();
  }

  @Override
  public Optional<Duration> connectTimeout() {
    return Optional.of(settings.connect());
  }

  @Override
  public Redirect followRedirects() {
    return Redirect.NEVER;
  }

  @Override
  public Optional<ProxySelector> proxy() {
    return Optional.empty();
  }

  @Override
  public SSLContext sslContext() {
    try {
      return tls == null ? SSLContext.getDefault() : tls;
    } catch (NoSuchAlgorithmException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  @Override
  public SSLParameters sslParameters() {
    return sslContext().getDefaultSSLParameters();
  }

  @Override
  public Optional<Authenticator> authenticator() {
    return Optional.empty();
  }

  @Override
  public Version version() {
    return Version.HTTP_1_1;
  }

  /** None: a call runs on the caller's thread. */
  @Override
  public Optional<Executor> executor() {
    return Optional.empty();
  }
}
