package luki.gateway.http;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import luki.http1.BlockInput;
import luki.http1.Fields;

/**
 * A request as it came in.
 *
 * @param body not read yet; empty when the head declares none
 * @param peer the address at the other end of the TCP connection
 * @param onBodyRead to be run when the body was read: from then on the thread of the request is
 *     interrupted when its client leaves, as far as the engine can see that
 * @param isPart whether a request that was admitted makes it and needs its reply
 */
public record Request(
    Method method,
    Query query,
    Fields headers,
    Input body,
    String peer,
    Runnable onBodyRead,
    boolean isPart) {
  /** Fields that say who calls, from where, and for which version. */
  private static final String[] CALLER = {
    "Authorization",
    "X-API-Key",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "User-Agent",
    UpstreamVersion.FIELD
  };

  /** A request of a client. */
  public Request(
      Method method, Query query, Fields headers, Input body, String peer, Runnable onBodyRead) {
    this(method, query, headers, body, peer, onBodyRead, false);
  }

  /**
   * A request that a handler makes for the caller of this one.
   *
   * @param own fields beside those that say who calls and from where
   */
  public Request forSameCaller(
      Method of, Query with, Fields own, byte[] content, Runnable contentRead) {
    Fields.Builder fields = new Fields.Builder();
    for (String name : CALLER) {
      headers.all(name).forEach(value -> fields.add(name, value));
    }
    Input input = new Input(new ByteArrayInputStream(content), content.length);
    return new Request(of, with, fields.addAll(own).build(), input, peer, contentRead);
  }

  /** The same request with another method, query and header. */
  public Request with(Method of, Query other, Fields fields) {
    return new Request(of, other, fields, body, peer, onBodyRead, isPart);
  }

  /** The same as a part of a request that was admitted. */
  public Request asPart() {
    return new Request(method, query, headers, body, peer, onBodyRead, true);
  }

  /** The length of the body in bytes as the head declares it, -1 when it is chunked. */
  public long declaredLength() {
    return body.declared;
  }

  /** A body that counts what is read of it. */
  public static final class Input extends BlockInput {
    private final InputStream in;
    private final long declared;
    private long bytesRead;

    /** The body has the declared length in bytes, -1 when it is chunked. */
    public Input(InputStream in, long declared) {
      this.in = in;
      this.declared = declared;
    }

    public long bytesRead() {
      return bytesRead;
    }

    @Override
    public long remaining() {
      return declared < 0 ? -1 : declared - bytesRead;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int n = in.read(into, offset, length);
      bytesRead += Math.max(0, n);
      return n;
    }
  }
}
