package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import luki.gateway.config.Settings;
import luki.gateway.contract.Router;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Chain;
import luki.gateway.http.Deadline;
import luki.gateway.http.Delivery;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.RequestId;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.TraceContext;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Lifecycle;
import luki.http1.Fields;
import luki.http1.RawReply;
import luki.http1.Refusals;

/**
 * The listener: a virtual thread for each request, an exchange in, a reply out. Nothing else in the
 * gateway knows the engine's classes.
 */
public final class GatewayServer {
  private static final Diagnostics LOG = new Diagnostics("server");
  private static final int BACKLOG = 1024;
  private static final Duration LAST_WORDS = Duration.ofSeconds(1);
  private static final RequestId UNIDENTIFIED = new RequestId("none");
  private static final TraceContext UNTRACED =
      new TraceContext("0".repeat(32), "0".repeat(16), "00");

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Router router;
  private final Chain chain;
  private final Lifecycle lifecycle;
  private final Clock clock;
  private final ExchangeReader reader;
  private final Replies raw = new RawReplies();
  private final Replies jdk;

  /**
   * Binds the listener; it takes requests once it is started.
   *
   * @throws IOException the address is taken or not this machine's
   */
  public GatewayServer(
      Settings settings,
      ServerEngine engine,
      Router router,
      Chain chain,
      Lifecycle lifecycle,
      Clock clock)
      throws IOException {
    this.router = router;
    this.chain = chain;
    this.lifecycle = lifecycle;
    this.clock = clock;
    Settings.Limits limits = settings.limits();
    this.jdk = new JdkReplies(new WriteLimit(limits.write()));
    this.reader = new ExchangeReader(limits.headerBytes());
    this.server =
        engine.bind(new InetSocketAddress(settings.host(), settings.port()), BACKLOG, this::refuse);
    server.setExecutor(threads);
    server.createContext("/", this::serve);
  }

  /**
   * A message that the engine does not take goes through the filters like any other, so that it has
   * an envelope, ids, a log line and its place in the metrics.
   */
  private Refusals.Answer refuse(Refusals.Refused refused) {
    Method method = Method.of(refused.method());
    Request request =
        new Request(
            method,
            Query.parse(""),
            Fields.NONE,
            Body.EMPTY,
            0,
            ExchangeReader.textOf(refused.peer()));
    Route route = Route.refusing(method, null, Refused.errorOf(refused.reason()));
    long began = System.nanoTime() - refused.nanos();
    Response response =
        rendered(chain.handle(exchange(request, new Router.Match(route, Map.of()), began)));
    byte[] body = Body.bytesOf(response.body());
    Fields.Builder fields = new Fields.Builder();
    response.headers().forEach(fields::add);
    Delivery sent = new Delivery(Delivery.End.COMPLETE, body.length, null);
    response.onComplete().forEach(told -> told.accept(sent));
    return new Refusals.Answer(
        response.status(), fields.build(), new String(body, StandardCharsets.UTF_8));
  }

  private Exchange exchange(Request request, Router.Match match, long receivedNanos) {
    return new Exchange(
        UNIDENTIFIED,
        UNTRACED,
        clock.instant(),
        receivedNanos,
        request,
        match.route(),
        match.parameters(),
        Exchange.Resolved.nothing(
            new Deadline(receivedNanos + match.route().deadline().toNanos())));
  }

  /** What the JDK's engine reads from system properties. To be called before the first server. */
  public static void configureProcess(Settings.Limits limits) {
    set("sun.net.httpserver.nodelay", "true");
    set("sun.net.httpserver.idleInterval", Long.toString(limits.idle().toSeconds()));
    set("sun.net.httpserver.maxIdleConnections", Integer.toString(limits.connections()));
    set("jdk.httpserver.maxConnections", Integer.toString(limits.connections()));
    // Seconds, whatever its documentation says. It covers the head and the body.
    set("sun.net.httpserver.maxReqTime", Long.toString(3 * limits.header().toSeconds()));
    // Above our own limit, so that ours answers in our own shape.
    set("sun.net.httpserver.maxReqHeaderSize", Integer.toString(4 * limits.headerBytes()));
    set("sun.net.httpserver.drainAmount", Integer.toString(ExchangeReader.MAX_DRAIN_BYTES));
  }

  private static void set(String property, String value) {
    System.setProperty(property, value);
  }

  public void start() {
    server.start();
    lifecycle.serving();
  }

  public InetSocketAddress address() {
    return server.getAddress();
  }

  private void serve(HttpExchange http) throws IOException {
    ExchangeReader.Incoming incoming = reader.read(http);
    ApiError refusal = incoming.refusal();
    Router.Match match =
        incoming.target() == null || refusal != null
            ? new Router.Match(
                Route.refusing(
                    incoming.request().method(),
                    null,
                    refusal == null ? ApiError.invalid("", "path") : refusal),
                Map.of())
            : router.match(incoming.request().method(), incoming.target());
    Response response =
        rendered(chain.handle(exchange(incoming.request(), match, System.nanoTime())));
    if (http instanceof RawReply) {
      raw.write(http, incoming, response);
      return;
    }
    // The JDK's chunked reader is lenient, so what follows such a body is not trusted.
    boolean close =
        refusal != null || incoming.request().declaredLength() < 0 || incoming.hasMuchUnread();
    jdk.write(http, incoming, close ? response.with("Connection", "close") : response);
  }

  /** If a filter around the envelope itself failed, its caller still gets one. */
  private static Response rendered(Response response) {
    ApiError error = response.outcome().refusal();
    return error == null || response.headers().has("Content-Type")
        ? response
        : ErrorReply.render(response, error, UNTRACED.traceId());
  }

  /**
   * Refuses new requests, lets those under way finish for at most the grace, tells streams to end,
   * and stops.
   */
  public void drain(Duration grace) throws InterruptedException {
    lifecycle.draining();
    LOG.info("draining", Diagnostics.Field.of("under_way", lifecycle.inFlight()));
    Duration lastWords = shorter(LAST_WORDS, grace.dividedBy(4));
    if (!lifecycle.awaitIdle(grace.minus(lastWords))) {
      lifecycle.endStreams();
      boolean idle = lifecycle.awaitIdle(LAST_WORDS);
      if (!idle) {
        threads.shutdownNow();
      }
    }
    server.stop(0);
    threads.shutdownNow();
    jdk.close();
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /** Stops at once. */
  public void stop() {
    lifecycle.endStreams();
    server.stop(0);
    threads.shutdownNow();
    jdk.close();
  }
}
