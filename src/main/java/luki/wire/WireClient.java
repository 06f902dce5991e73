package luki.wire;

import java.io.IOException;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.InetAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import luki.http1.Fields;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;
import org.jspecify.annotations.Nullable;

/** The client. It has a thread and a pool, so it must be closed. */
public final class WireClient extends HttpClient {
  private final WireSettings settings;
  private final @Nullable SSLContext tls;
  private final Wire wire;

  /** With the process's default TLS context. */
  public WireClient(WireSettings settings) {
    this(settings, null);
  }

  /**
   * With a TLS context.
   *
   * @param tls null for the process's default
   */
  public WireClient(WireSettings settings, @Nullable SSLContext tls) {
    this(settings, tls, Addresses.Resolver.ofSystem());
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

  WireClient(WireSettings settings, @Nullable SSLContext tls, Addresses.Resolver resolver) {
    this.settings = settings;
    this.tls = tls;
    this.wire = new Wire(settings, tls, resolver);
  }

  /** Connections that are open, idle or in use. */
  public int connections() {
    return wire.connections();
  }

  @Override
  @SuppressWarnings("unchecked") // A TimedBody is a handler of streams: T is InputStream.
  public <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws IOException, InterruptedException {
    PreparedRequest prepared = request instanceof PreparedRequest own ? own : prepare(request);
    return handler instanceof TimedBody timed
        ? (HttpResponse<T>) (HttpResponse<?>) wire.call(request, prepared, timed.by())
        : BufferedBody.deliver(wire.call(request, prepared, PreparedRequest.NEVER), handler);
  }

  private static PreparedRequest prepare(HttpRequest request)
      throws IOException, InterruptedException {
    refuseUnsupported(request);
    // As in the JDK's client, the timeout is for the head of the reply.
    long headBy =
        request
            .timeout()
            .map(timeout -> System.nanoTime() + timeout.toNanos())
            .orElse(PreparedRequest.NEVER);
    URI uri = request.uri();
    HttpRequest.BodyPublisher publisher = request.bodyPublisher().orElse(null);
    return new PreparedRequest(
        PreparedRequest.Origin.of(uri),
        request.method(),
        PreparedRequest.targetOf(uri),
        Fields.of(request.headers()),
        publisher == null ? new byte[0] : BufferedBody.of(publisher, headBy),
        headBy);
  }

  private static void refuseUnsupported(HttpRequest request) {
    if (request.version().filter(Version.HTTP_2::equals).isPresent()) {
      throw unsupported("HTTP/2");
    }
    if (request.expectContinue()) {
      throw unsupported("Expect");
    }
  }

  private static UnsupportedOperationException unsupported(String what) {
    return new UnsupportedOperationException(what + ": use HTTP_CLIENT=jdk");
  }

  @Override
  public <T> CompletableFuture<HttpResponse<T>> sendAsync(
      HttpRequest request, HttpResponse.BodyHandler<T> handler) {
    CompletableFuture<HttpResponse<T>> promise = new CompletableFuture<>();
    Thread sender =
        Thread.ofVirtual()
            .name("wire-send")
            .start(
                () -> {
                  try {
                    promise.complete(send(request, handler));
                  } catch (IOException | InterruptedException | RuntimeException | Error failure) {
                    promise.completeExceptionally(failure);
                  }
                });
    CompletableFuture<?> _ =
        promise.whenComplete(
            (_, _) -> {
              if (promise.isCancelled()) {
                sender.interrupt();
              }
            });
    return promise;
  }

  @Override
  public <T> CompletableFuture<HttpResponse<T>> sendAsync(
      HttpRequest request,
      HttpResponse.BodyHandler<T> handler,
      HttpResponse.@Nullable PushPromiseHandler<T> pushes) {
    // HTTP/1.1 pushes nothing.
    return sendAsync(request, handler);
  }

  @Override
  public WebSocket.Builder newWebSocketBuilder() {
    throw unsupported("WebSocket");
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

  /** None: a call runs on the caller's thread, {@link #sendAsync} on a virtual one. */
  @Override
  public Optional<Executor> executor() {
    return Optional.empty();
  }

  @Override
  public void shutdown() {
    wire.retire();
  }

  @Override
  public void shutdownNow() {
    wire.close();
  }

  @Override
  public boolean isTerminated() {
    return wire.isOver();
  }

  @Override
  public boolean awaitTermination(Duration most) throws InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    while (!isTerminated() && System.nanoTime() - end < 0) {
      Thread.sleep(Duration.ofMillis(5));
    }
    return isTerminated();
  }

  /** Waits for the calls in flight, as the JDK's client does. */
  @Override
  public void close() {
    shutdown();
    try {
      while (!awaitTermination(Duration.ofDays(1))) {
        // A call in flight has no limit here.
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    shutdownNow();
  }
}
