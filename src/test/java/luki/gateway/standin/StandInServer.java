package luki.gateway.standin;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import luki.edge.EdgeLimits;
import luki.edge.EdgeServer;
import luki.http1.ByteBudget;
import luki.http1.HeadLimits;
import luki.http1.Refusals;

/** The HTTP side of one stand-in, in place of uvicorn: records, overrides, then routes. */
final class StandInServer implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(StandInServer.class.getName());
  private static final int MAX_SEEN = 10_000;
  private static final int BACKLOG = 1024;

  private final HttpServer server;
  private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
  private final Routes routes;
  private final Deque<Seen> seen = new ArrayDeque<>();
  private final List<FixedReply> overrides = new CopyOnWriteArrayList<>();

  private record FixedReply(String method, String pathPrefix, StandInReply reply) {
    boolean covers(Seen seen) {
      return method.equals(seen.method()) && seen.path().startsWith(pathPrefix);
    }
  }

  /** What listens and parses. */
  interface Engine {
    HttpServer bind(InetSocketAddress address, HttpHandler handler) throws IOException;
  }

  private StandInServer(Routes routes, InetSocketAddress address, Engine engine)
      throws IOException {
    this.routes = routes;
    this.server = engine.bind(address, this::serve);
  }

  static StandInServer start(Routes routes, String host, int port, Engine engine) {
    try {
      InetSocketAddress address = new InetSocketAddress(InetAddress.ofLiteral(host), port);
      StandInServer standIn = new StandInServer(routes, address, engine);
      standIn.server.setExecutor(standIn.workers);
      standIn.server.start();
      return standIn;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static HttpServer jdk(InetSocketAddress address, HttpHandler handler) throws IOException {
    HttpServer server = HttpServer.create(address, BACKLOG);
    server.createContext("/", handler);
    return server;
  }

  static HttpServer edge(InetSocketAddress address, HttpHandler handler) throws IOException {
    ByteBudget memory = new ByteBudget(Long.MAX_VALUE);
    Duration ten = Duration.ofSeconds(10);
    // The image of the stand-ins is compiled from this package alone.
    EdgeLimits limits =
        new EdgeLimits(HeadLimits.USUAL, ten, 5000, ten, ten.multipliedBy(10), ten, 20_000, 0);
    return new EdgeServer(address, BACKLOG, limits, handler, Refusals.BARE, memory);
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** The latest requests, oldest first. */
  List<Seen> seen() {
    synchronized (seen) {
      return List.copyOf(seen);
    }
  }

  void forget() {
    synchronized (seen) {
      seen.clear();
    }
  }

  /** The newest override that matches a request. */
  void override(String method, String pathPrefix, StandInReply reply) {
    overrides.addFirst(new FixedReply(method, pathPrefix, reply));
  }

  void clearOverrides() {
    overrides.clear();
  }

  @Override
  public void close() {
    server.stop(0);
    workers.shutdownNow();
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      Seen request = record(exchange);
      switch (answer(request, exchange.getRequestURI())) {
        case StandInReply reply -> send(exchange, reply);
        case Routes.EventStream stream -> send(exchange, stream);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Seen record(HttpExchange exchange) throws IOException {
    URI uri = exchange.getRequestURI();
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    Map<String, List<String>> headers = new HashMap<>();
    exchange.getRequestHeaders().forEach((k, v) -> headers.put(k.toLowerCase(Locale.ROOT), v));
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    Seen request = new Seen(exchange.getRequestMethod(), uri.getRawPath() + query, headers, body);
    synchronized (seen) {
      if (seen.size() == MAX_SEEN) {
        seen.removeFirst();
      }
      seen.addLast(request);
    }
    return request;
  }

  private Routes.ServiceAnswer answer(Seen request, URI uri) {
    Optional<FixedReply> fixed = overrides.stream().filter(o -> o.covers(request)).findFirst();
    if (fixed.isPresent()) {
      return fixed.get().reply();
    }
    try {
      return routes.answer(request, uri);
    } catch (Routes.Rejection e) {
      return e.reply();
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.WARNING, "a stand-in failed at " + request.path(), e);
      Map<String, String> headers = Map.of("Content-Type", "text/plain; charset=utf-8");
      return new StandInReply(500, headers, "Internal Server Error");
    }
  }

  private static void send(HttpExchange exchange, StandInReply reply)
      throws IOException, InterruptedException {
    if (reply.delay().isPositive()) {
      Thread.sleep(reply.delay());
    }
    exchange.getResponseHeaders().set("Server", "uvicorn");
    reply.headers().forEach(exchange.getResponseHeaders()::set);
    byte[] body = reply.body().getBytes(StandardCharsets.UTF_8);
    boolean bodiless = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(reply.status(), bodiless ? -1 : body.length);
    if (!bodiless) {
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    }
  }

  private static void send(HttpExchange exchange, Routes.EventStream stream)
      throws IOException, InterruptedException {
    exchange.getResponseHeaders().set("Server", "uvicorn");
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
    exchange.sendResponseHeaders(200, 0);
    try (OutputStream out = exchange.getResponseBody()) {
      stream.writeTo(out);
    }
  }
}
