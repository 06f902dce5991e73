package luki.wire;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import luki.http1.HeadLimits;
import luki.http1.PreparedRequest.Origin;

/** Opens connections: address by address, with TLS where the origin has it. */
record Dialer(Supplier<SSLContext> tls, HeadLimits limits) {
  /**
   * Connects by that moment, with an equal share of the time left for each address.
   *
   * @param watched gets each connection while it is opened, so that it is closed when its time is
   *     over; the one that is returned stays in it
   * @throws HttpConnectTimeoutException the time has passed
   * @throws ConnectException no address accepted the connection
   */
  PooledConnection connect(
      Origin origin, List<InetAddress> addresses, long by, Set<PooledConnection> watched)
      throws IOException, InterruptedException {
    IOException last = new UnknownHostException("no address");
    for (int i = 0; i < addresses.size(); i++) {
      long now = System.nanoTime();
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
      Origin origin, InetAddress address, long by, Set<PooledConnection> watched)
      throws IOException {
    PooledConnection connection = new PooledConnection(SocketChannel.open(), address, limits);
    boolean done = false;
    try {
      boolean _ = connection.deadline().set(by);
      watched.add(connection);
      connection.connect(origin.port());
      if (origin.tls()) {
        connection.secure(tls.get(), origin);
      }
      done = connection.deadline().clear();
      if (!done) {
        throw new IOException("expired");
      }
      return connection;
    } catch (IOException failed) {
      if (!connection.deadline().hasExpired()) {
        throw failed;
      }
      HttpConnectTimeoutException late = new HttpConnectTimeoutException("no connection in time");
      late.initCause(failed);
      throw late;
    } finally {
      if (!done) {
        connection.close();
        watched.remove(connection);
      }
    }
  }
}
