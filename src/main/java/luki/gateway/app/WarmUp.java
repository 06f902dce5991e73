package luki.gateway.app;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.SettingsReader;
import luki.gateway.consent.Consent;
import luki.gateway.contract.Router;
import luki.gateway.http.Deadline;
import luki.gateway.http.Method;
import luki.gateway.http.Route;
import luki.gateway.observe.AccessLine;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.QueuedWriter;
import luki.gateway.server.GatewayServer;

/**
 * Requests through the whole chain before the process is ready, so that the first callers do not
 * wait for the JIT compiler. They go to a second gateway with the same contract, which has its own
 * counters, limits and log, and from there to a stand-in of this process: nothing of them is seen
 * outside.
 */
final class WarmUp {
  private static final Diagnostics LOG = new Diagnostics("warm-up");
  private static final String OPERATION = "trackInteraction";
  private static final String BODY =
      "{\"user_id\":\"warm_up\",\"interaction_type\":\"chat\",\"content\":{\"topic\":\"none\"}}";
  private static final int OK = 200;
  // Then the compiler has what it needs most; it goes on in the background.
  private static final int ENOUGH = 3000;
  private static final int CLIENTS = 8;
  private static final Duration CALL_LIMIT = Duration.ofSeconds(5);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(1);

  private final Configuration configuration;
  private final Duration time;
  private final int requests;
  private final boolean everyRoute;
  private final AtomicInteger answered = new AtomicInteger();

  private WarmUp(Configuration configuration, Duration time, int requests, boolean everyRoute) {
    this.configuration = configuration;
    this.time = time;
    this.requests = requests;
    this.everyRoute = everyRoute;
  }

  /**
   * Sends some thousand requests, fewer where that takes longer than the time. A failure is logged
   * and prevents nothing.
   *
   * @return how many were answered as they should be
   */
  static int run(Configuration configuration, Duration time) throws InterruptedException {
    return run(new WarmUp(configuration, time, ENOUGH, false));
  }

  /** Sends requests until the time is over, and one of every other operation. */
  static int train(Configuration configuration, Duration time) throws InterruptedException {
    return run(new WarmUp(configuration, time, Integer.MAX_VALUE, true));
  }

  private static int run(WarmUp warmUp) throws InterruptedException {
    try {
      warmUp.withStandIn();
    } catch (IOException | BadConfiguration failed) {
      LOG.warn("no warm-up", Diagnostics.Field.of("error", failed));
    }
    return warmUp.answered.get();
  }

  private void withStandIn() throws IOException, BadConfiguration, InterruptedException {
    HttpServer standIn =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    standIn.createContext("/", WarmUp::answer);
    standIn.setExecutor(task -> Thread.ofVirtual().start(task));
    standIn.start();
    try {
      withGateway(standIn.getAddress().getPort());
    } finally {
      standIn.stop(0);
    }
  }

  private static void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      boolean _ = exchange.getRequestBody().readAllBytes().length > 0;
      byte[] body = "{\"status\":\"ok\"}".getBytes(StandardCharsets.US_ASCII);
      exchange.getResponseHeaders().add("Content-Type", "application/json");
      exchange.sendResponseHeaders(OK, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private void withGateway(int upstream)
      throws IOException, BadConfiguration, InterruptedException {
    Problems problems = new Problems();
    Environment environment =
        Environment.of(
            Map.of(
                "ENVIRONMENT", "dev",
                "HOST", "127.0.0.1",
                "PORT", "0",
                "ENG_URL", "http://127.0.0.1:" + upstream,
                "RATE_LIMIT_PER_MIN", "1000000"),
            Path.of(""),
            problems);
    Configuration inner =
        new Configuration(
            SettingsReader.read(environment),
            configuration.file(),
            configuration.document(),
            List.of());
    Configuration.Build build = Configuration.Build.read();
    Parts parts = Parts.of(inner, build.version(), problems);
    List<Route.Served> routes = new RouteTable(parts, build).compile(problems);
    problems.throwIfAny();
    QueuedWriter<AccessLine> log = AccessLine.writer(OutputStream.nullOutputStream());
    GatewayServer server = server(parts, routes, log);
    server.start();
    try {
      load(parts, routes, server.address().getPort());
    } finally {
      server.stop();
      List<AutoCloseable> closeable = new ArrayList<>(parts.closeable());
      closeable.add(log);
      Shutdown.close(Deadline.after(CLOSE_LIMIT), closeable);
      parts.engines().close();
    }
  }

  private static GatewayServer server(
      Parts parts, List<Route.Served> routes, QueuedWriter<AccessLine> log) throws IOException {
    FilterChain filters =
        new FilterChain(
            parts,
            parts.identity().verifier(),
            (_, _, _, _) ->
                new Consent.Answer(Consent.ConsentStatus.ALLOWED, parts.clock().instant()),
            log::add,
            null,
            null);
    return new GatewayServer(
        parts.configuration().settings(),
        parts.engines().server(),
        new Router(routes),
        filters.chain(),
        parts.lifecycle(),
        parts.memory(),
        parts.clock());
  }

  private void load(Parts parts, List<Route.Served> routes, int port) throws InterruptedException {
    String key = parts.keys().addTemporary(parts.configuration().document().scopes());
    HttpClient client = parts.engines().connectingWithin(CALL_LIMIT);
    Deadline end = Deadline.after(time);
    List<Thread> clients = new ArrayList<>();
    for (Route.Served route : routes) {
      HttpRequest request = request(route, port, key);
      if (route.operation().id().equals(OPERATION)) {
        for (int i = 0; i < CLIENTS; i++) {
          clients.add(Thread.ofVirtual().start(() -> repeat(client, request, end)));
        }
      } else if (everyRoute) {
        clients.add(Thread.ofVirtual().start(() -> once(client, request)));
      }
    }
    for (Thread one : clients) {
      one.join();
    }
  }

  private static HttpRequest request(Route.Served route, int port, String key) {
    String path = route.template().replaceAll("\\{[^}]*}", "warm_up");
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
        .timeout(CALL_LIMIT)
        .header("Authorization", "Bearer " + key)
        .header("Content-Type", "application/json")
        .method(
            route.method().name(),
            route.method() == Method.GET ? BodyPublishers.noBody() : BodyPublishers.ofString(BODY))
        .build();
  }

  private void once(HttpClient client, HttpRequest request) {
    try {
      boolean _ = client.send(request, BodyHandlers.ofByteArray()).statusCode() == OK;
    } catch (IOException refused) {
      LOG.warn("a request of the training failed", Diagnostics.Field.of("error", refused));
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private void repeat(HttpClient client, HttpRequest request, Deadline end) {
    try {
      while (!end.hasPassed()
          && answered.get() < requests
          && client.send(request, BodyHandlers.ofByteArray()).statusCode() == OK) {
        answered.incrementAndGet();
      }
    } catch (IOException stopped) {
      LOG.warn("a request of the warm-up failed", Diagnostics.Field.of("error", stopped));
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
