package luki.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import luki.http1.Fields;
import luki.http1.Latin1;
import luki.http1.PreparedRequest;

/** A request as bytes: the head and, if it is short, the body. */
final class RequestWriter {
  private static final int MAX_WITH_HEAD = 64 * 1024;

  private static final byte[] VERSION = Latin1.bytes(" HTTP/1.1\r\nHost: ");
  private static final byte[] LENGTH = Latin1.bytes("Content-Length: ");
  private static final byte[] END = Latin1.bytes("\r\n");

  /** Version, separators and the line that states the length. */
  private static final int OWN_BYTES = 64;

  private RequestWriter() {}

  /** Whether the body goes out after the head, on a thread of its own. */
  static boolean isLong(PreparedRequest request) {
    return request.body().length > MAX_WITH_HEAD;
  }

  /**
   * The head, and the body where it is not {@link #isLong}.
   *
   * @param reused what they are written into where it is large enough
   */
  static ByteBuffer write(PreparedRequest request, String authority, byte[] reused) {
    String method = request.method();
    String target = request.target();
    Fields fields = request.fields();
    byte[] body = request.body();
    boolean sized = body.length > 0 || usuallyHasBody(method);
    boolean whole = !isLong(request);
    int room =
        OWN_BYTES
            + method.length()
            + target.length()
            + authority.length()
            + fields.renderedLength()
            + (whole ? body.length : 0);
    byte[] into = room <= reused.length ? reused : new byte[room];
    int at = Latin1.put(method, into, 0);
    into[at++] = ' ';
    at = Latin1.put(VERSION, into, Latin1.put(target, into, at));
    at = Latin1.put(END, into, Latin1.put(authority, into, at));
    at = fields.render(into, at);
    if (sized) {
      at = Latin1.putDecimal(body.length, into, Latin1.put(LENGTH, into, at));
      at = Latin1.put(END, into, at);
    }
    at = Latin1.put(END, into, at);
    if (whole) {
      at = Latin1.put(body, into, at);
    }
    return ByteBuffer.wrap(into, 0, at);
  }

  /** RFC 9110 §8.6: these send {@code Content-Length: 0} when they have no body. */
  private static boolean usuallyHasBody(String method) {
    return method.equals("POST") || method.equals("PUT") || method.equals("PATCH");
  }

  /** Sends a long body on a thread of its own, so that an early reply is seen. */
  static final class BodyUpload {
    // The channel copies each piece into a direct buffer of its size.
    private static final int PIECE_BYTES = 64 * 1024;

    private final byte[] body;
    private final PooledConnection connection;
    private volatile boolean stopped;
    private volatile boolean complete;

    private BodyUpload(byte[] body, PooledConnection connection) {
      this.body = body;
      this.connection = connection;
    }

    static BodyUpload start(byte[] body, PooledConnection connection) {
      BodyUpload upload = new BodyUpload(body, connection);
      Thread.ofVirtual().name("wire-upload").start(upload::run);
      return upload;
    }

    private void run() {
      try {
        for (int at = 0; at < body.length; at += PIECE_BYTES) {
          if (stopped) {
            return;
          }
          connection.write(ByteBuffer.wrap(body, at, Math.min(PIECE_BYTES, body.length - at)));
        }
        complete = true;
      } catch (IOException broken) {
        // The connection stays open: a reply may have arrived before the failure.
      }
    }

    /** Stops it if it still runs; whether the whole body was sent before. */
    boolean stop() {
      stopped = true;
      return complete;
    }
  }
}
