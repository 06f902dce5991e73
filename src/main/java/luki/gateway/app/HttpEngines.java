package luki.gateway.app;

import com.sun.net.httpserver.HttpServer;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import luki.edge.EdgeLimits;
import luki.edge.EdgeProvider;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Settings;
import luki.gateway.server.JdkServer;
import luki.gateway.server.ServerEngine;
import luki.gateway.upstream.Engines;
import luki.http1.HeadLimits;
import luki.wire.WireClient;
import luki.wire.WireSettings;
import org.jspecify.annotations.Nullable;

/** Chooses the engines that speak HTTP on either side: our own, or the JDK's. */
final class HttpEngines implements AutoCloseable {
  private static final Duration AFTER_THE_STREAMS_OWN = Duration.ofSeconds(10);

  private final ServerEngine server;
  private final @Nullable WireClient wire;
  private final Engines clients;

  HttpEngines(Settings settings, GatewayFile.Streams streams, ScheduledExecutorService timer) {
    this.server =
        settings.engines().edge() ? edge(settings.limits()) : JdkServer.engine(settings.limits());
    // Behind the limits of calls and streams, which say more; it ends what they do not know of.
    Duration silence = streams.betweenEvents().plus(AFTER_THE_STREAMS_OWN);
    this.wire =
        settings.engines().wire()
            ? new WireClient(WireSettings.usual().withSilence(silence))
            : null;
    this.clients = new Engines(wire, timer);
  }

  private static ServerEngine edge(Settings.Limits limits) {
    EdgeLimits usual = EdgeLimits.usual();
    EdgeLimits ours =
        new EdgeLimits(
            new HeadLimits(
                usual.head().lineBytes(), limits.headerBytes(), usual.head().fieldLines()),
            limits.header(),
            usual.bodyBytes(),
            usual.bodyTime(),
            limits.idle(),
            limits.write(),
            limits.connections(),
            limits.connectionsPerAddress());
    return (address, backlog, handler, refusals) -> {
      HttpServer server = new EdgeProvider(ours, refusals).createHttpServer(address, backlog);
      server.createContext("/", handler);
      return server;
    };
  }

  ServerEngine server() {
    return server;
  }

  Engines clients() {
    return clients;
  }

  @Override
  public void close() {
    if (wire != null) {
      wire.shutdownNow();
    }
  }
}
