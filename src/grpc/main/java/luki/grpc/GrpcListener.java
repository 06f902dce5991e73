package luki.grpc;

import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.TlsServerCredentials;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import luki.gateway.config.Settings;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Policy;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.Scope;

/** The listener, with its bounds: messages, metadata, connections, streams and keep-alive. */
final class GrpcListener {
  /** What a connection may have sent before it was read; also what one that reads slowly holds. */
  static final int WINDOW_BYTES = 256 * 1024;

  private static final int MAX_CALLS_PER_CONNECTION = 100;
  private static final int MAX_RESETS = 200;
  private static final int RESETS_WINDOW_S = 10;
  private static final Duration KEEP_ALIVE = Duration.ofMinutes(1);
  private static final Duration KEEP_ALIVE_TIMEOUT = Duration.ofSeconds(10);

  /** Pings that come more often end the connection: GOAWAY, too many pings. */
  private static final Duration PERMIT_KEEP_ALIVE = Duration.ofSeconds(20);

  private static final Duration CLOSE_TIME = Duration.ofSeconds(1);
  private static final Duration REFLECTION_DEADLINE = Duration.ofMinutes(5);

  private final Server server;
  private final HealthStatusManager health = new HealthStatusManager();

  GrpcListener(GrpcGateway gateway, Methods methods, EventLoopGroup threads) throws IOException {
    Settings settings = gateway.host().settings();
    Settings.Limits limits = settings.limits();
    this.server =
        NettyServerBuilder.forAddress(
                new InetSocketAddress(settings.host(), port(settings)), credentials(settings))
            .channelType(NioServerSocketChannel.class)
            .bossEventLoopGroup(threads)
            .workerEventLoopGroup(threads)
            // Its listeners never wait: each call has a thread of its own.
            .directExecutor()
            .maxInboundMessageSize(limits.bodyBytes())
            .maxInboundMetadataSize(limits.headerBytes())
            .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
            .maxRstFramesPerWindow(MAX_RESETS, RESETS_WINDOW_S)
            .flowControlWindow(WINDOW_BYTES)
            .maxConnectionIdle(limits.idle().toSeconds(), TimeUnit.SECONDS)
            .keepAliveTime(KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_TIMEOUT.toSeconds(), TimeUnit.SECONDS)
            .permitKeepAliveTime(PERMIT_KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .handshakeTimeout(limits.header().toSeconds(), TimeUnit.SECONDS)
            .addService(health.getHealthService())
            .addService(ChatService.of(gateway))
            .addService(reflection(gateway))
            .fallbackHandlerRegistry(methods)
            .build()
            .start();
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.SERVING);
  }

  private static int port(Settings settings) {
    Integer port = settings.doors().grpcPort();
    return port == null ? 0 : port;
  }

  private static ServerCredentials credentials(Settings settings) throws IOException {
    Path certificate = settings.doors().grpcCertificate();
    Path key = settings.doors().grpcKey();
    return certificate == null || key == null
        ? InsecureServerCredentials.create()
        : TlsServerCredentials.create(certificate.toFile(), key.toFile());
  }

  /**
   * Reflection describes the services behind the gateway, so it needs {@code ops:read} also in dev:
   * a client that works there works in prod.
   */
  private static ServerServiceDefinition reflection(GrpcGateway gateway) {
    ServerServiceDefinition open = ProtoReflectionServiceV1.newInstance().bindService();
    ServerServiceDefinition.Builder guarded =
        ServerServiceDefinition.builder(open.getServiceDescriptor());
    open.getMethods().forEach(method -> guarded.addMethod(guarded(gateway, method)));
    return guarded.build();
  }

  private static <Q, R> ServerMethodDefinition<Q, R> guarded(
      GrpcGateway gateway, ServerMethodDefinition<Q, R> method) {
    return method.withServerCallHandler(
        Guarded.handler(gateway, reflectionRoute(), method.getServerCallHandler()));
  }

  /** As it is in the list of routes. */
  static Route.Served reflectionRoute() {
    String name = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    return new Route.Served(
        new Route.Operation(
            name,
            Method.POST,
            PathPattern.parse("/" + name),
            null,
            REFLECTION_DEADLINE,
            "application/grpc",
            false,
            _ -> List.of(),
            null),
        new Policy(
            new Policy.Access.Scoped(Set.of(new Scope("ops:read"))),
            new Policy.Owner.None(),
            null,
            new Policy.Limits(1, Set.of()),
            false),
        (Handler.Unrouted) _ -> Response.empty(200));
  }

  int port() {
    return server.getPort();
  }

  /** Says that it stops: GOAWAY to each client, no new calls; those in flight go on. */
  void drain() {
    health.enterTerminalState();
    server.shutdown();
  }

  void stop() throws InterruptedException {
    server.shutdownNow();
    boolean _ = server.awaitTermination(CLOSE_TIME.toMillis(), TimeUnit.MILLISECONDS);
  }
}
