package luki.http1;

import java.io.IOException;
import java.io.InputStream;

/** A client that can be used without the JDK's request, address and header objects. */
public interface RawClient {
  /** No limit, as a moment of the client's clock. */
  long NEVER = Long.MAX_VALUE;

  /**
   * Whom to call.
   *
   * @param host a name, or an address as it stands in a URI
   */
  record Origin(boolean tls, String host, int port) {
    /** What {@code Host} says: the port is left out where it is the scheme's own. */
    public String authority() {
      return port == (tls ? 443 : 80) ? host : host + ":" + port;
    }
  }

  /**
   * When to give up, in nanoseconds of {@link System#nanoTime} or {@link #NEVER}.
   *
   * @param connectNanos how long one connection may take to stand
   * @param head by when the reply's head must be there
   * @param end by when its body must have been read
   * @param fresh on a connection that nobody has used before
   */
  record Limits(long connectNanos, long head, long end, boolean fresh) {
    /** By when the head must be there, whichever limit says so. */
    public long headBy() {
      return Math.min(head, end);
    }
  }

  /** What to send. {@code Host} and the framing are the client's. */
  final class Request {
    private final String method;
    private final String target;
    private final Fields fields;
    private final byte[] body;

    /**
     * Makes one.
     *
     * @param target in origin-form, encoded
     * @param body is not copied; without any, only a method that usually has one says so
     */
    public Request(String method, String target, Fields fields, byte[] body) {
      this.method = method;
      this.target = target;
      this.fields = fields;
      this.body = body;
    }

    public String method() {
      return method;
    }

    public String target() {
      return target;
    }

    public Fields fields() {
      return fields;
    }

    public byte[] body() {
      return body;
    }
  }

  /**
   * What came back. Read to its end, the connection serves again; closed before, it is dropped.
   * Closing from another thread breaks a read off.
   */
  interface Reply extends AutoCloseable {
    int status();

    Fields fields();

    /** An end before the end of the body is an {@link IOException}, never a quiet one. */
    InputStream body();

    @Override
    void close();
  }

  /**
   * Sends the request and waits for the head of its final reply. Nothing is repeated and no
   * redirect is followed.
   *
   * @throws java.net.ConnectException no connection was made, so nothing was sent
   * @throws BadMessage the reply could be read in two ways, or in none
   * @throws IOException it failed in another way, a limit that has passed among them
   * @throws IllegalArgumentException the request must not be sent as it is
   */
  Reply call(Origin origin, Request request, Limits limits)
      throws IOException, InterruptedException;
}
