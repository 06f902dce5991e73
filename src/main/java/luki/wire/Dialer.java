package luki.wire;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.SocketChannel;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
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
   * Connects within the time, of which an address that does not answer gets its share only.
   *
   * @param watched has each connection while it is made, so that it ends when it expires; the one
   *     that is returned stays in it
   * @throws HttpConnectTimeoutException the time has passed
   * @throws ConnectException no address took the connection
   */
  PooledConnection connect(
      RawClient.Origin origin, List<InetAddress> addresses, long by, Set<PooledConnection> watched)
      throws IOException, InterruptedException {
    IOException last = new UnknownHostException("no address");
    for (int i = 0; i < addresses.size(); i++) {
      long now = nanoTime.getAsLong();
      long share = (by - now) / (addresses.size() - i);
      if (share <= 0) {
        throw new HttpConnectTimeoutException("no connection in time");
      }
      try {
        return connect(origin, addresses.get(i), now + share, watched);
      } catch (IOException failed) {
        if (Thread.interrupted()) {
          throw new InterruptedException("while connecting");
        }
        last = failed;
      }
    }
    if (last instanceof HttpConnectTimeoutException late) {
      throw late;
    }
    ConnectException failed = new ConnectException("no connection");
    failed.initCause(last);
    throw failed;
  }

  private PooledConnection connect(
      RawClient.Origin origin, InetAddress address, long by, Set<PooledConnection> watched)
      throws IOException {
    PooledConnection link = new PooledConnection(SocketChannel.open(), address, limits);
    boolean done = false;
    try {
      boolean _ = link.expiry().set(by);
      watched.add(link);
      link.connect(origin.port());
      if (origin.tls()) {
        link.secure(tls == null ? defaultContext() : tls, origin);
      }
      done = link.expiry().clear();
      if (!done) {
        throw new IOException("expired");
      }
      return link;
    } catch (IOException failed) {
      if (!link.expiry().hasExpired()) {
        throw failed;
      }
      HttpConnectTimeoutException late = new HttpConnectTimeoutException("no connection in time");
      late.initCause(failed);
      throw late;
    } finally {
      if (!done) {
        link.close();
        watched.remove(link);
      }
    }
  }

  private static SSLContext defaultContext() throws IOException {
    try {
      return SSLContext.getDefault();
    } catch (NoSuchAlgorithmException cannotBe) {
      throw new IOException("no TLS in this JDK", cannotBe);
    }
  }
}
