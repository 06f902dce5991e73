package luki.edge;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import com.sun.net.httpserver.spi.HttpServerProvider;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import luki.http1.ByteBudget;
import luki.http1.Refusals;
import org.jspecify.annotations.Nullable;

/** Makes servers of this engine. */
public final class EdgeProvider extends HttpServerProvider {
  private final EdgeLimits limits;
  private final Refusals refusals;
  private final ByteBudget memory;
  private final InstantSource clock;
  private final LongSupplier nanoTime;

  /**
   * On the system's clocks.
   *
   * @param memory for heads that are longer than usual
   */
  public EdgeProvider(EdgeLimits limits, Refusals refusals, ByteBudget memory) {
    this(limits, refusals, memory, InstantSource.system(), System::nanoTime);
  }

  /**
   * With other clocks.
   *
   * @param clock for {@code Date}
   * @param nanoTime for deadlines
   */
  public EdgeProvider(
      EdgeLimits limits,
      Refusals refusals,
      ByteBudget memory,
      InstantSource clock,
      LongSupplier nanoTime) {
    this.limits = limits;
    this.refusals = refusals;
    this.memory = memory;
    this.clock = clock;
    this.nanoTime = nanoTime;
  }

  @Override
  public HttpServer createHttpServer(@Nullable InetSocketAddress address, int backlog)
      throws IOException {
    ServerContext shared =
        new ServerContext(
            limits,
            refusals,
            memory,
            nanoTime,
            new DateLine(clock),
            new WriteBuffer.Pool(),
            new Contexts(),
            new Connections(limits));
    EdgeServer server = new EdgeServer(shared);
    if (address != null) {
      server.bind(address, backlog);
    }
    return server;
  }

  /**
   * Not offered.
   *
   * @throws UnsupportedOperationException always: TLS ends before the gateway
   */
  @Override
  public HttpsServer createHttpsServer(@Nullable InetSocketAddress address, int backlog) {
    throw new UnsupportedOperationException("TLS: use the JDK's engine");
  }
}
