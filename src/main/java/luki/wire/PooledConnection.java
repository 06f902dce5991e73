package luki.wire;

import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import luki.http1.BadMessage;
import luki.http1.BlockInput;
import luki.http1.ByteBudget;
import luki.http1.HeadLimits;
import luki.http1.InputBuffer;
import luki.http1.IoDeadline;
import luki.http1.PreparedRequest.Origin;
import luki.http1.ResponseParser;
import luki.http1.ResponseParser.ResponseHead;
import org.jspecify.annotations.Nullable;

/** One connection to an origin, used by one call at a time and by none while it is in the pool. */
final class PooledConnection {
  private static final int MAX_INTERIM = 10;
  private static final int READ_BUFFER = 2 * 1024;
  private static final int WRITE_BUFFER = 2 * 1024;

  private final SocketChannel channel;
  private final InetAddress address;
  private final InputBuffer input;
  private final ResponseParser parser;
  private final IoDeadline deadline = new IoDeadline();
  // Most requests fit, so that none has to be made for each.
  private final byte[] writeBuffer = new byte[WRITE_BUFFER];
  private final ByteBuffer probe = ByteBuffer.allocate(1);
  private @Nullable SSLSocket tls;
  private long idleSince;

  PooledConnection(SocketChannel channel, InetAddress address, HeadLimits limits) {
    this.channel = channel;
    this.address = address;
    this.input = new InputBuffer(new Received(), READ_BUFFER, ByteBudget.unlimited());
    this.parser = new ResponseParser(input, limits);
  }

  /** Blocks until the peer has accepted the connection. */
  void connect(int port) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.connect(new InetSocketAddress(address, port));
  }

  /** Blocks until the peer has proved that it is the origin. */
  void secure(SSLContext context, Origin origin) throws IOException {
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
    socket.startHandshake();
    tls = socket;
  }

  InputBuffer input() {
    return input;
  }

  /** For the request that is sent next. */
  byte[] writeBuffer() {
    return writeBuffer;
  }

  /** When the sweeper closes the connection. */
  IoDeadline deadline() {
    return deadline;
  }

  /** Sets the deadline, unless it has passed. */
  void expireAt(long nanos) throws IOException {
    if (!deadline.set(nanos)) {
      throw new IOException("expired");
    }
  }

  InetAddress address() {
    return address;
  }

  /** Sends a buffer that has an array. */
  void write(ByteBuffer bytes) throws IOException {
    if (tls == null) {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } else {
      OutputStream out = tls.getOutputStream();
      out.write(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
      out.flush();
    }
  }

  /** Sends a request; false if the peer accepts no more, but has sent a reply. */
  boolean send(ByteBuffer request) throws IOException {
    try {
      write(request);
      return true;
    } catch (IOException refused) {
      if (deadline.hasExpired() || !hasReply()) {
        throw refused;
      }
      return false;
    }
  }

  private boolean hasReply() {
    try {
      return input.fill();
    } catch (IOException gone) {
      return false;
    }
  }

  /** Waits for the head of the final reply. */
  ResponseHead finalHead() throws IOException {
    for (int interim = 0; interim <= MAX_INTERIM; interim++) {
      ResponseHead head = parser.next();
      if (head == null) {
        throw new EOFException("closed before a reply");
      }
      // RFC 9110 §15.2: others may be ignored. 101 was not asked for.
      if (head.status() >= 200) {
        return head;
      }
      if (head.status() == 101) {
        break;
      }
    }
    throw new BadMessage(BadMessage.Reason.STATUS_LINE);
  }

  /**
   * Whether another call may use it, as far as can be seen: the peer has neither closed it nor sent
   * anything unexpected. The look at the socket takes 1.3 µs; without it a call that follows at
   * once on a service which closes without saying so would fail.
   */
  boolean isReusable() {
    try {
      // The rest of a TLS record may be decrypted already and is not on the channel any more.
      if (!input.isEmpty() || (tls != null && tls.getInputStream().available() > 0)) {
        return false;
      }
      // On a virtual thread the descriptor never blocks, so these two cost no system call.
      channel.configureBlocking(false);
      int unexpected = channel.read(probe.clear());
      channel.configureBlocking(true);
      return unexpected == 0;
    } catch (IOException broken) {
      return false;
    }
  }

  void setIdle(long now) {
    boolean _ = input.rest();
    idleSince = now;
  }

  long idleSince() {
    return idleSince;
  }

  /** From any thread: a thread that connects, reads or writes on it fails at once. */
  void close() {
    try {
      channel.close();
    } catch (IOException _) {
      // It is closed on this side in any case.
    }
  }

  private final class Received extends BlockInput {
    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      return tls == null
          ? channel.read(ByteBuffer.wrap(into, offset, length))
          : tls.getInputStream().read(into, offset, length);
    }
  }
}
