package luki.gateway.app;

import java.net.InetAddress;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.Predicate;
import luki.edge.EdgeLimits;
import luki.edge.EdgeServer;
import luki.gateway.config.Settings;
import luki.gateway.server.GatewayServer.ServerEngine;
import luki.gateway.server.JdkServer;
import luki.gateway.upstream.Upstreams.HttpClients;
import luki.gateway.webhook.PublicAddresses;
import luki.http1.ByteBudget;
import luki.http1.HeadLimits;
import luki.wire.WireClient;
import luki.wire.WireSettings;

/** Chooses the engines that speak HTTP on either side: edge and wire, or the JDK's. */
final class HttpEngines implements HttpClients, AutoCloseable {
  private static final int MAX_LOOK_UPS = 64;
  // The least that a body must deliver in that time.
  private static final int BODY_BYTES = 5000;
  private static final Duration BODY_TIME = Duration.ofSeconds(10);
  private static final Duration BEYOND_LIMIT = Duration.ofSeconds(10);

  final ServerEngine server;
  private final boolean wire;
  private final Map<Timeouts, HttpClient> clients = new ConcurrentHashMap<>();

  private record Timeouts(Duration connect, Duration silence) {}

  HttpEngines(Settings settings, ByteBudget memory) {
    this.server =
        settings.engines().edge()
            ? edge(settings.limits(), memory)
            : JdkServer.engine(settings.limits());
    this.wire = settings.engines().wire();
  }

  private static ServerEngine edge(Settings.Limits limits, ByteBudget memory) {
    EdgeLimits ours =
        new EdgeLimits(
            new HeadLimits(
                HeadLimits.USUAL.lineBytes(), limits.headerBytes(), HeadLimits.USUAL.fieldLines()),
            limits.header(),
            BODY_BYTES,
            BODY_TIME,
            limits.idle(),
            limits.write(),
            limits.connections(),
            limits.connectionsPerAddress());
    return (address, backlog, handler, refusals) ->
        new EdgeServer(address, backlog, ours, handler, refusals, memory);
  }

  @Override
  public HttpClient client(Duration connect, Duration silence) {
    return clients.computeIfAbsent(
        new Timeouts(connect, silence), wire ? HttpEngines::wireClient : HttpEngines::jdkClient);
  }

  /**
   * Clients for addresses that callers choose, a new one for each call. Always wire: it connects to
   * the address that was checked.
   */
  static HttpClients receivers(boolean dev) {
    Predicate<InetAddress> allowed = PublicAddresses.rule(dev);
    // A look-up may take longer than its push.
    Semaphore lookUps = new Semaphore(MAX_LOOK_UPS);
    return (connect, silence) ->
        WireClient.restricted(WireSettings.usual(connect, silence), allowed, lookUps);
  }

  private static HttpClient wireClient(Timeouts own) {
    // Longer than the user's limit of silence, which gives the better error.
    Duration silence = own.silence.plus(BEYOND_LIMIT);
    return new WireClient(WireSettings.usual(own.connect, silence));
  }

  /** HTTP/1.1 only: an h2c offer makes some of the services drop the body of a POST. */
  private static HttpClient jdkClient(Timeouts own) {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .proxy(HttpClient.Builder.NO_PROXY)
        .connectTimeout(own.connect)
        .executor(Executors.newVirtualThreadPerTaskExecutor())
        .build();
  }

  @Override
  public void close() {
    clients.values().forEach(HttpClient::shutdownNow);
  }
}
