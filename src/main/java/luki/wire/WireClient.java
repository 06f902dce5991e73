package luki.wire;

import java.io.IOException;
import java.net.Authenticator;
import java.net.CookieHandler;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import luki.http1.Fields;
import luki.http1.RawClient;
import org.jspecify.annotations.Nullable;

/**
 * The client as the JDK's interface has it, and as {@link RawClient}. To be closed: it has a thread
 * and a pool.
 */
public final class WireClient extends HttpClient implements RawClient {
  private final Wire wire;
  private final @Nullable SSLContext tls;

  /** With the process's own TLS context. */
  public WireClient(WireSettings settings) {
    this(settings, null);
  }

  /**
   * With a TLS context.
   *
   * @param tls null for the process's own
   */
  public WireClient(WireSettings settings, @Nullable SSLContext tls) {
    this(settings, tls, Resolver.ofSystem(), System::nanoTime);
  }

  WireClient(
      WireSettings settings, @Nullable SSLContext tls, Resolver resolver, LongSupplier nanoTime) {
    this.wire = new Wire(settings, tls, resolver, nanoTime);
    this.tls = tls;
  }

  @Override
  public Reply call(Origin origin, Request request, Limits limits)
      throws IOException, InterruptedException {
    return wire.call(origin, request, limits);
  }

  /** Connections that are open, idle or in use. */
  public int connections() {
    return wire.connections();
  }

  @Override
  public <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws IOException, InterruptedException {
    refuseWhatIsNotServed(request);
    WireReply reply = begin(request);
    HttpHeaders headers = WireResponse.headersOf(reply.fields());
    HttpResponse.BodySubscriber<T> subscriber = subscriberOf(reply, headers, handler);
    var session = WireResponse.session(reply.session());
    Pump.start(reply, subscriber);
    T body = bodyOf(subscriber, reply);
    return new WireResponse<>(request, reply.status(), headers, body, session);
  }

  private static <T> HttpResponse.BodySubscriber<T> subscriberOf(
      WireReply reply, HttpHeaders headers, HttpResponse.BodyHandler<T> handler)
      throws IOException {
    boolean done = false;
    try {
      var subscriber = handler.apply(new WireResponse.HeadInfo(reply.status(), headers));
      done = true;
      return subscriber;
    } catch (RuntimeException defect) {
      throw new IOException("the body handler failed", defect);
    } finally {
      if (!done) {
        reply.close();
      }
    }
  }

  private static <T> T bodyOf(HttpResponse.BodySubscriber<T> subscriber, WireReply reply)
      throws IOException, InterruptedException {
    try {
      return subscriber.getBody().toCompletableFuture().get();
    } catch (InterruptedException interrupted) {
      reply.close();
      throw interrupted;
    } catch (ExecutionException failed) {
      reply.close();
      Throwable cause = failed.getCause() == null ? failed : failed.getCause();
      throw cause instanceof IOException known ? known : new IOException("no body", cause);
    }
  }

  private WireReply begin(HttpRequest request) throws IOException, InterruptedException {
    URI uri = request.uri();
    boolean secure = "https".equalsIgnoreCase(uri.getScheme());
    int port = uri.getPort() >= 0 ? uri.getPort() : secure ? 443 : 80;
    Origin origin = new Origin(secure, uri.getHost(), port);
    String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
    String target = uri.getRawQuery() == null ? path : path + "?" + uri.getRawQuery();
    Fields.Builder fields = new Fields.Builder();
    for (Map.Entry<String, List<String>> line : request.headers().map().entrySet()) {
      line.getValue().forEach(value -> fields.add(line.getKey(), value));
    }
    Upload upload =
        request.bodyPublisher().map(PublisherUpload::of).orElseGet(() -> Upload.of(new byte[0]));
    return wire.call(
        origin,
        new Request(request.method(), target, fields.build(), new byte[0]),
        upload,
        limits(request));
  }

  /** As in the JDK's client, the timeout ends when the head is there. */
  private Limits limits(HttpRequest request) {
    long now = wire.now();
    Duration connect = wire.settings().connect();
    return new Limits(
        connect.toNanos(),
        request.timeout().map(most -> now + most.toNanos()).orElse(NEVER),
        NEVER,
        false);
  }

  private static void refuseWhatIsNotServed(HttpRequest request) {
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
    return Optional.of(wire.settings().connect());
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

  /** None: a call runs on the thread that makes it, what else there is on virtual ones. */
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

  /** Waits for the calls under way, as the JDK's client does. */
  @Override
  public void close() {
    shutdown();
    try {
      while (!awaitTermination(Duration.ofDays(1))) {
        // As long as it takes.
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    shutdownNow();
  }
}
