package luki.grpc;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFuture;
import io.grpc.netty.shaded.io.netty.channel.DefaultChannelPromise;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.SocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.netty.shaded.io.netty.util.concurrent.GlobalEventExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The transport's threads; a connection of a client beyond the most is closed at once. */
final class LimitedEventLoops extends MultiThreadIoEventLoopGroup {
  private static final int STOP_TIME_S = 1;

  private final int maxConnections;
  private final AtomicInteger open = new AtomicInteger();

  LimitedEventLoops(int threads, int maxConnections) {
    super(threads, new DefaultThreadFactory("grpc", true), NioIoHandler.newFactory());
    this.maxConnections = maxConnections;
  }

  @Override
  public ChannelFuture register(Channel channel) {
    boolean accepted = channel instanceof SocketChannel && channel.parent() != null;
    if (!accepted) {
      return super.register(channel);
    }
    if (open.incrementAndGet() > maxConnections) {
      open.decrementAndGet();
      channel.unsafe().closeForcibly();
      // A failure would be logged with a stack trace, as often as clients want.
      return new DefaultChannelPromise(channel, GlobalEventExecutor.INSTANCE).setSuccess();
    }
    var _ = channel.closeFuture().addListener(_ -> open.decrementAndGet());
    return super.register(channel);
  }

  /** Ends the threads soon, after what they have to do. */
  void stop() {
    var _ = shutdownGracefully(0, STOP_TIME_S, TimeUnit.SECONDS);
  }
}
