package luki.wire;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import luki.http1.ChunkedOutput;
import luki.http1.Fields;
import luki.http1.Grammar;
import luki.http1.Latin1;
import luki.http1.RawClient;

/** Writes a request: the head and a small body at once. */
final class RequestWriter {
  /**
   * A body of at most so many bytes goes out with the head; a longer one on a thread of its own.
   */
  static final int AT_ONCE = 64 * 1024;

  private static final byte[] VERSION = bytes(" HTTP/1.1\r\nHost: ");
  private static final byte[] LENGTH = bytes("Content-Length: ");
  private static final byte[] CHUNKED = bytes("Transfer-Encoding: chunked\r\n");
  private static final byte[] END = bytes("\r\n");
  private static final int NUMBER = 20;

  private RequestWriter() {}

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * The head, and the body where it is short.
   *
   * @param length of the body, -1 where it is not known
   * @param body the whole of it, or none of it
   */
  static byte[] head(String authority, RawClient.Request request, long length, byte[] body) {
    String method = request.method();
    String target = request.target();
    Fields fields = request.fields();
    boolean sized = length > 0 || (length == 0 && usuallyHasBody(method));
    int room =
        method.length()
            + 1
            + target.length()
            + VERSION.length
            + authority.length()
            + END.length
            + fields.renderedLength()
            + (length < 0 ? CHUNKED.length : sized ? LENGTH.length + NUMBER : 0)
            + 2 * END.length
            + body.length;
    byte[] into = new byte[room];
    int at = Latin1.put(method, into, 0);
    into[at++] = ' ';
    at = put(VERSION, into, Latin1.put(target, into, at));
    at = put(END, into, Latin1.put(authority, into, at));
    at = fields.render(into, at);
    if (length < 0) {
      at = put(CHUNKED, into, at);
    } else if (sized) {
      at = put(END, into, Latin1.putDecimal(length, into, put(LENGTH, into, at)));
    }
    at = put(body, into, put(END, into, at));
    return at == into.length ? into : Arrays.copyOf(into, at);
  }

  /** RFC 9110 §8.6: without a body these say so. */
  private static boolean usuallyHasBody(String method) {
    return method.equals("POST") || method.equals("PUT") || method.equals("PATCH");
  }

  /**
   * Looks at what is to be sent; the fields were looked at when they were made.
   *
   * @throws IllegalArgumentException a part of the head must not be sent as it is
   */
  static void check(RawClient.Request request) {
    if (!Grammar.isToken(request.method()) || !isTarget(request.target())) {
      throw new IllegalArgumentException("not a request line");
    }
    Fields fields = request.fields();
    for (int i = 0; i < fields.size(); i++) {
      String name = fields.name(i);
      if (Grammar.isFramingField(name)
          || name.equalsIgnoreCase("Host")
          || name.equalsIgnoreCase("Expect")) {
        throw new IllegalArgumentException(name + " is the client's");
      }
    }
  }

  private static boolean isTarget(String target) {
    if (target.isEmpty() || target.charAt(0) != '/') {
      return false;
    }
    for (int i = 0; i < target.length(); i++) {
      char c = target.charAt(i);
      if (c <= ' ' || c >= 0x7f) {
        return false;
      }
    }
    return true;
  }

  private static int put(byte[] text, byte[] into, int at) {
    System.arraycopy(text, 0, into, at, text.length);
    return at + text.length;
  }

  /** A body of a known length, collected within so many nanoseconds. */
  static byte[] whole(Upload upload, long nanos) throws IOException, InterruptedException {
    int length = (int) upload.length();
    byte[] first = upload.next(nanos);
    if (first != null && first.length == length) {
      return first;
    }
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] piece = first; piece != null; piece = upload.next(nanos)) {
      if (at + piece.length > length) {
        throw new BadBody("longer than it was said to be");
      }
      System.arraycopy(piece, 0, all, at, piece.length);
      at += piece.length;
    }
    if (at < length) {
      throw new BadBody("shorter than it was said to be");
    }
    return all;
  }

  /** Sends the body piece by piece until it ends or somebody says stop. */
  static void pour(Upload upload, PooledConnection link, StopSign stop)
      throws IOException, InterruptedException {
    OutputStream plain = new LinkOutput(link);
    OutputStream out = upload.length() < 0 ? new ChunkedOutput(plain) : plain;
    long left = upload.length();
    for (byte[] piece = upload.next(Long.MAX_VALUE);
        piece != null;
        piece = upload.next(Long.MAX_VALUE)) {
      if (stop.isSet()) {
        throw new IOException("the reply came first");
      }
      left -= piece.length;
      if (upload.length() >= 0 && left < 0) {
        throw new BadBody("longer than it was said to be");
      }
      out.write(piece, 0, piece.length);
    }
    if (upload.length() >= 0 && left > 0) {
      throw new BadBody("shorter than it was said to be");
    }
    out.close();
  }

  /** Whether the sending is to stop. */
  @FunctionalInterface
  interface StopSign {
    boolean isSet();
  }

  private static final class LinkOutput extends OutputStream {
    private final PooledConnection link;

    LinkOutput(PooledConnection link) {
      this.link = link;
    }

    @Override
    public void write(int octet) throws IOException {
      write(new byte[] {(byte) octet}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      link.write(bytes, offset, length);
    }
  }
}
