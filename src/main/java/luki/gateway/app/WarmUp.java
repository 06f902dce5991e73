package luki.gateway.app;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.config.SettingsReader;
import luki.gateway.http.Deadline;
import luki.gateway.http.Method;
import luki.gateway.http.Route;
import luki.gateway.observe.AccessLine;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.QueuedWriter;
import luki.gateway.server.GatewayServer;
import luki.http1.Fields;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;

/**
 * Requests through the whole chain before the process is ready, so that the first callers do not
 * wait for the JIT compiler. They go to a second gateway with the same contract, which has its own
 * counters, limits and log, and from there to a stand-in of this process: nothing of them is seen
 * outside.
 */
record WarmUp(
    Configuration configuration,
    Duration time,
    int requests,
    boolean everyRoute,
    AtomicInteger answered) {
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

  /**
   * Sends some thousand requests, fewer where that takes longer than the time. A failure is logged
   * and prevents nothing.
   *
   * @return how many were answered as they should be
   */
  static int run(Configuration configuration, Duration time) throws InterruptedException {
    return new WarmUp(configuration, time, ENOUGH, false, new AtomicInteger()).run();
  }

  /** Sends requests until the time is over, and one of every other operation. */
  static int train(Configuration configuration, Duration time) throws InterruptedException {
    return new WarmUp(configuration, time, Integer.MAX_VALUE, true, new AtomicInteger()).run();
  }

  private int run() throws InterruptedException {
    try {
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
    } catch (IOException | BadConfiguration failed) {
      LOG.warn("no warm-up", Diagnostics.Field.of("error", failed));
    }
    return answered.get();
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

  /** Those of the gateway itself, as far as they decide which code runs. */
  static Settings settings(Settings own, int upstream) throws BadConfiguration {
    Map<String, String> variables = new HashMap<>();
    variables.put("ENVIRONMENT", own.dev() ? "dev" : "prod");
    variables.put("HOST", "127.0.0.1");
    variables.put("PORT", "0");
    variables.put("GATEWAY_CONFIG", own.gatewayFile().toString());
    variables.put("OPENAPI_FILE", own.openapiFile().toString());
    variables.put("HTTP_ENGINE", own.engines().edge() ? "edge" : "jdk");
    variables.put("HTTP_CLIENT", own.engines().wire() ? "wire" : "jdk");
    variables.put("ENG_URL", "http://127.0.0.1:" + upstream);
    variables.put("RATE_LIMIT_PER_MIN", "1000000");
    Problems problems = new Problems();
    Settings settings =
        SettingsReader.read(Environment.of(variables, Path.of("no file"), problems));
    problems.throwIfAny();
    return settings;
  }

  private void withGateway(int upstream)
      throws IOException, BadConfiguration, InterruptedException {
    Configuration inner =
        new Configuration(
            settings(configuration.settings(), upstream),
            configuration.file(),
            configuration.document(),
            configuration.environment());
    Gateway gateway = new Gateway(inner);
    Parts parts = gateway.parts;
    try (QueuedWriter<AccessLine> log = AccessLine.writer(OutputStream.nullOutputStream())) {
      GatewayServer server =
          FilterChain.withoutConsent(parts, parts.identity().verifier(), log::add)
              .server(gateway.routes());
      server.start();
      try {
        load(parts, gateway.routes(), server.address().getPort());
      } finally {
        server.stop();
      }
    } finally {
      gateway.close(Deadline.after(CLOSE_LIMIT));
    }
  }

  private void load(Parts parts, List<Route.Served> routes, int port) throws InterruptedException {
    String key = parts.keys().addTemporary(parts.configuration().document().scopes());
    HttpClient client = parts.engines().client(CALL_LIMIT, CALL_LIMIT);
    Deadline end = Deadline.after(time);
    Deadline once = Deadline.after(Duration.ZERO);
    List<Thread> clients = new ArrayList<>();
    for (Route.Served route : routes) {
      boolean often = route.operation().id().equals(OPERATION);
      Supplier<PreparedRequest> request = () -> request(route, port, key);
      for (int i = 0; i < (often ? CLIENTS : everyRoute ? 1 : 0); i++) {
        clients.add(Thread.ofVirtual().start(() -> send(client, request, often ? end : once)));
      }
    }
    for (Thread one : clients) {
      one.join();
    }
  }

  private static PreparedRequest request(Route.Served route, int port, String key) {
    String body = route.method() == Method.GET ? "" : BODY;
    return new PreparedRequest(
        new PreparedRequest.Origin(false, "127.0.0.1", port),
        route.method().name(),
        route.template().replaceAll("\\{[^}]*}", "warm_up"),
        Fields.of("Authorization", "Bearer " + key, "Content-Type", "application/json"),
        body.getBytes(StandardCharsets.US_ASCII),
        System.nanoTime() + CALL_LIMIT.toNanos());
  }

  private static int status(HttpClient client, PreparedRequest request)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> reply = client.send(request, new TimedBody(request.headBy()));
    try (InputStream body = reply.body()) {
      boolean _ = body.readAllBytes().length > 0;
      return reply.statusCode();
    }
  }

  /** Sends the request once, and again until the time is over or a reply is no success. */
  private void send(HttpClient client, Supplier<PreparedRequest> request, Deadline end) {
    try {
      while (status(client, request.get()) == OK
          && answered.incrementAndGet() < requests
          && !end.hasPassed()) {
        // The next request.
      }
    } catch (IOException stopped) {
      LOG.warn("a request of the warm-up failed", Diagnostics.Field.of("error", stopped));
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
