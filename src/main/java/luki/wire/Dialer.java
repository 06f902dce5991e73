package luki.wire;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SocketChannel;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import luki.http1.HeadLimits;
import luki.http1.RawClient;
import org.jspecify.annotations.Nullable;

/** Makes connections: address by address, with TLS where the origin has it. */
final class Dialer {
  private final @Nullable SSLContext tls;
  private final HeadLimits limits;
  private final LongSupplier nanoTime;

  /**
   * Makes one.
   *
   * @param tls null for the process's own
   */
  Dialer(@Nullable SSLContext tls, HeadLimits limits, LongSupplier nanoTime) {
    this.tls = tls;
    this.limits = limits;
    this.nanoTime = nanoTime;
  }

  /**
   * Connects within the time.
   *
   * @throws HttpConnectTimeoutException it has passed
   * @throws ConnectException no address took the connection
   */
  Link connect(RawClient.Origin origin, List<InetAddress> addresses, long by)
      throws IOException, InterruptedException {
    IOException last = new UnknownHostException("no address");
    for (InetAddress address : addresses) {
      try {
        return connect(origin, address, by);
      } catch (ClosedByInterruptException interrupted) {
        boolean _ = Thread.interrupted();
        throw new InterruptedException("while connecting");
      } catch (SocketTimeoutException late) {
        throw timeout();
      } catch (IOException refused) {
        last = refused;
      }
    }
    ConnectException failed = new ConnectException("no connection");
    failed.initCause(last);
    throw failed;
  }

  private static HttpConnectTimeoutException timeout() {
    return new HttpConnectTimeoutException("no connection in time");
  }

  private Link connect(RawClient.Origin origin, InetAddress address, long by) throws IOException {
    int millis = millisUntil(by);
    SocketChannel channel = SocketChannel.open();
    boolean done = false;
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.socket().connect(new InetSocketAddress(address, origin.port()), millis);
      SSLSocket secured = origin.tls() ? secure(channel, origin, by) : null;
      Link link = new Link(channel, secured, address, limits);
      done = true;
      return link;
    } finally {
      if (!done) {
        channel.close();
      }
    }
  }

  private int millisUntil(long by) throws HttpConnectTimeoutException {
    if (by == RawClient.NEVER) {
      return 0;
    }
    long millis = Duration.ofNanos(by - nanoTime.getAsLong()).toMillis();
    if (millis <= 0) {
      throw timeout();
    }
    return (int) Math.min(millis, Integer.MAX_VALUE);
  }

  private SSLSocket secure(SocketChannel channel, RawClient.Origin origin, long by)
      throws IOException {
    SSLContext context = tls == null ? defaultContext() : tls;
    SSLSocket socket =
        (SSLSocket)
            context
                .getSocketFactory()
                .createSocket(channel.socket(), origin.host(), origin.port(), true);
    SSLParameters parameters = socket.getSSLParameters();
    // RFC 9110 §4.3.4: the certificate must be the host's.
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    parameters.setApplicationProtocols(new String[] {"http/1.1"});
    socket.setSSLParameters(parameters);
    socket.setSoTimeout(millisUntil(by));
    socket.startHandshake();
    socket.setSoTimeout(0);
    return socket;
  }

  private static SSLContext defaultContext() throws IOException {
    try {
      return SSLContext.getDefault();
    } catch (NoSuchAlgorithmException cannotBe) {
      throw new IOException("no TLS in this JDK", cannotBe);
    }
  }
}
