package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import luki.gateway.config.Settings;
import luki.gateway.contract.Router;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.http.Ids;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Lifecycle;
import luki.http1.BadMessage;
import luki.http1.ByteBudget;
import luki.http1.Refusals;
import org.jspecify.annotations.Nullable;

/**
 * The listener: an exchange in, a reply out. Only this package knows the classes of the HTTP
 * engines.
 */
public final class GatewayServer implements Dispatcher {
  private static final Diagnostics LOG = new Diagnostics("server");
  private static final int BACKLOG = 1024;
  private static final Duration ABORT_TIME = Duration.ofMillis(100);

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Ids ids = new Ids(ThreadLocalRandom::current);
  private final Lifecycle lifecycle;
  private final ByteBudget memory;
  private final Clock clock;
  private volatile Rules rules;

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
      ByteBudget memory,
      Clock clock)
      throws IOException {
    this.lifecycle = lifecycle;
    this.memory = memory;
    this.clock = clock;
    this.rules = new Rules(new ExchangeReader(router, ids, clock), chain);
    InetSocketAddress address = new InetSocketAddress(settings.host(), settings.port());
    this.server = engine.bind(address, BACKLOG, http -> serve(http, null), this::serve);
    server.setExecutor(threads);
  }

  /** What decides on a request, read once for each. */
  private record Rules(ExchangeReader reader, Chain chain) {}

  /** The next requests go through these; those in flight go on as they began. */
  public void use(Router router, Chain chain) {
    rules = new Rules(new ExchangeReader(router, ids, clock), chain);
  }

  public void start() {
    server.start();
  }

  public InetSocketAddress address() {
    return server.getAddress();
  }

  /**
   * Everything that the gateway answers comes through here. A message that the engine refuses goes
   * through the filters like any other, so that it has an envelope, ids, a log line and metrics.
   */
  private void serve(HttpExchange http, BadMessage.@Nullable Reason refused) throws IOException {
    Rules now = rules;
    try (ByteBudget.Lease lease = memory.lease()) {
      Exchange exchange = now.reader.read(http, lease, refused);
      ReplyWriter.write(http, exchange.request().method(), reply(now, exchange));
    }
  }

  @Override
  public Response dispatch(Request request, String target, ByteBudget.Lease lease) {
    Rules now = rules;
    return reply(now, now.reader.read(request, target, lease));
  }

  @Override
  public Response dispatch(Request request, Route.Served route, ByteBudget.Lease lease) {
    Rules now = rules;
    return reply(now, now.reader.read(request, route, lease));
  }

  private static Response reply(Rules now, Exchange exchange) {
    Response response = now.chain.handle(exchange);
    ApiError error = response.outcome().refusal();
    return error == null || response.headers().has("Content-Type")
        ? response
        // A filter around the envelope failed; its caller gets one all the same.
        : ErrorReply.render(
            response, error, exchange.trace().traceId(), exchange.route().version());
  }

  /** Refuses new requests, waits for those in flight, then for streams, which it tells to end. */
  public void drain(Duration forRequests, Duration forStreams) throws InterruptedException {
    lifecycle.draining();
    LOG.info("draining", Diagnostics.Field.of("in_flight", lifecycle.inFlight()));
    if (!lifecycle.awaitIdle(forRequests)) {
      lifecycle.endStreams();
      boolean _ = lifecycle.awaitIdle(forStreams);
    }
  }

  /** Stops at once; waits a moment for the requests that this aborts, so that each is logged. */
  public void stop() {
    lifecycle.endStreams();
    server.stop(0);
    threads.shutdownNow();
    try {
      boolean _ = lifecycle.awaitIdle(ABORT_TIME);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes the server that listens. */
  @FunctionalInterface
  public interface ServerEngine {
    /**
     * Binds it; it takes requests once it is started.
     *
     * @param handler for every path
     * @param refusals for messages that the engine refuses
     * @throws IOException the address is taken or not this machine's
     */
    HttpServer bind(InetSocketAddress address, int backlog, HttpHandler handler, Refusals refusals)
        throws IOException;
  }
}
