package luki.wire;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import luki.http1.Expiry;
import luki.http1.HeadLimits;
import luki.http1.ResponseParser;
import luki.http1.Source;
import org.jspecify.annotations.Nullable;

/**
 * One connection to an origin. It is used by one call at a time, and by none while it is in the
 * pool.
 */
final class Link {
  private static final int READ_BUFFER = 4 * 1024;

  private final SocketChannel channel;
  private final @Nullable SSLSocket tls;
  private final InetAddress address;
  private final Source source;
  private final ResponseParser parser;
  private final Expiry expiry = new Expiry();
  private volatile long idleSince;

  Link(SocketChannel channel, @Nullable SSLSocket tls, InetAddress address, HeadLimits limits)
      throws IOException {
    this.channel = channel;
    this.tls = tls;
    this.address = address;
    InputStream in = tls == null ? new ChannelInput(channel) : tls.getInputStream();
    this.source = new Source(in, READ_BUFFER);
    this.parser = new ResponseParser(source, limits);
  }

  Source source() {
    return source;
  }

  ResponseParser parser() {
    return parser;
  }

  /** By when the thread that uses it must have gone on. */
  Expiry expiry() {
    return expiry;
  }

  InetAddress address() {
    return address;
  }

  @Nullable SSLSession session() {
    return tls == null ? null : tls.getSession();
  }

  void write(byte[] bytes, int offset, int length) throws IOException {
    if (tls == null) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    } else {
      OutputStream out = tls.getOutputStream();
      out.write(bytes, offset, length);
      out.flush();
    }
  }

  /**
   * Whether another call may use it, as far as one can see: the peer has neither closed it nor said
   * anything unasked.
   */
  boolean isFit() {
    if (!source.isEmpty()) {
      return false;
    }
    try {
      // On a virtual thread the descriptor never blocks, so these two cost no system call.
      channel.configureBlocking(false);
      int unasked = channel.read(ByteBuffer.allocate(1));
      channel.configureBlocking(true);
      return unasked == 0;
    } catch (IOException broken) {
      return false;
    }
  }

  void rest(long now) {
    source.rest();
    idleSince = now;
  }

  long idleSince() {
    return idleSince;
  }

  /** From any thread: whoever reads or writes is woken with a failure. */
  void close() {
    try {
      channel.close();
    } catch (IOException _) {
      // It is closed for us in any case.
    }
  }
}
