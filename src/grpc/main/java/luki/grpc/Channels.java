package luki.grpc;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import java.net.URI;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import luki.gateway.config.Settings;
import luki.gateway.http.Upstream;
import org.jspecify.annotations.Nullable;

/** A channel for each service that has a {@code grpc://} or {@code grpcs://} address. */
final class Channels {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);
  private static final Duration KEEP_ALIVE = Duration.ofMinutes(1);
  private static final Duration KEEP_ALIVE_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration CLOSE_TIME = Duration.ofSeconds(1);
  private static final int DEFAULT_PORT = 443;

  private final Map<Upstream, ManagedChannel> channels = new EnumMap<>(Upstream.class);

  /** Connects to none of them yet. */
  Channels(Settings settings, EventLoopGroup threads) {
    settings
        .doors()
        .grpcUrls()
        .forEach((who, url) -> channels.put(who, channel(url, settings, threads)));
  }

  private static ManagedChannel channel(URI url, Settings settings, EventLoopGroup threads) {
    int port = url.getPort() < 0 ? DEFAULT_PORT : url.getPort();
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(url.getHost(), port)
            .eventLoopGroup(threads)
            .channelType(NioSocketChannel.class)
            .directExecutor()
            .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) CONNECT_TIMEOUT.toMillis())
            .flowControlWindow(GrpcListener.WINDOW_BYTES)
            .maxInboundMessageSize(settings.limits().replyBytes())
            .maxInboundMetadataSize(settings.limits().headerBytes())
            .keepAliveTime(KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_TIMEOUT.toSeconds(), TimeUnit.SECONDS)
            .userAgent("luki-gateway")
            // A retry of the library would not be counted; a service's own settings are not ours.
            .disableRetry()
            .disableServiceConfigLookUp()
            .proxyDetector(_ -> null);
    return url.getScheme().equals("grpcs")
        ? builder.useTransportSecurity().build()
        : builder.usePlaintext().build();
  }

  @Nullable ManagedChannel to(Upstream who) {
    return channels.get(who);
  }

  void stop() throws InterruptedException {
    channels.values().forEach(ManagedChannel::shutdownNow);
    for (ManagedChannel channel : channels.values()) {
      boolean _ = channel.awaitTermination(CLOSE_TIME.toMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
