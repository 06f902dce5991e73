package luki.edge;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Objects;
import luki.http1.ChunkedOutput;
import luki.http1.Fields;
import luki.http1.Grammar;
import luki.http1.RequestParser.RequestHead;

/**
 * One reply, and the stream that its body is written to: unbegun → begun → complete, or aborted
 * from either of the first two. Only a complete one lets the connection serve another request.
 */
final class Reply extends OutputStream {
  enum State {
    UNBEGUN,
    BEGUN,
    COMPLETE,
    ABORTED
  }

  /** Of the body: chunked in HTTP/1.1, until the close in HTTP/1.0. */
  private static final long UNKNOWN = -1;

  private final Connection connection;
  private final RequestHead request;
  private final RequestBody requestBody;
  private final WriteBuffer out;
  private volatile State state = State.UNBEGUN;
  private boolean closes;
  private boolean endsWithConnection;
  private int status = -1;
  private OutputStream body;
  private boolean bodiless;
  private long left;

  Reply(Connection connection, RequestHead request, RequestBody requestBody, boolean closes) {
    this.connection = connection;
    this.request = request;
    this.requestBody = requestBody;
    this.out = connection.out();
    this.body = out;
    this.closes = closes;
  }

  RequestBody requestBody() {
    return requestBody;
  }

  State state() {
    return state;
  }

  /** What was sent, or -1. */
  int status() {
    return status;
  }

  /** Whether the connection ends with this exchange. */
  boolean closes() {
    return closes;
  }

  boolean isHttp11() {
    return request.http11();
  }

  /**
   * Puts the head where the body's first bytes join it.
   *
   * @param length exact; 0 where it is unknown, -1 for no body, as in the JDK's interface
   */
  void begin(int newStatus, Fields fields, long length) throws IOException {
    if (state != State.UNBEGUN) {
      throw new IOException("the head was sent");
    }
    if (!ReplyHead.isFinal(newStatus)) {
      throw new IllegalArgumentException("status " + newStatus);
    }
    boolean upgrade = newStatus == ReplyHead.SWITCHING_PROTOCOLS;
    if (upgrade && !(request.http11() && request.fields().has("Upgrade"))) {
      throw new IllegalArgumentException("the client did not ask for another protocol");
    }
    status = newStatus;
    bodiless = newStatus == 204 || newStatus == 304 || request.method().equals("HEAD");
    left = length == 0 || upgrade ? UNKNOWN : Math.max(0, length);
    endsWithConnection = left == UNKNOWN && !bodiless && !upgrade && !request.http11();
    closes |=
        upgrade
            || endsWithConnection
            || fields.hasToken("Connection", "close")
            || connection.shared().connections().isStopping()
            // RFC 9110 §10.1.1: a client that got no 100 may or may not send its body.
            || requestBody.isAwaited()
            || requestBody.failure() != null
            || requestBody.remaining() > Connection.MAX_DRAIN_BYTES;
    ReplyHead.render(
        out,
        newStatus,
        connection.shared().date(),
        fields,
        upgrade ? ReplyHead.UNSTATED : statedLength(length, fields),
        upgrade ? ReplyHead.UPGRADE : persistence());
    state = State.BEGUN;
    connection.watch().awaitQuestion();
    beginBody(upgrade);
  }

  private void beginBody(boolean upgrade) throws IOException {
    if (upgrade) {
      // From the head on both sides send what they like until the connection ends.
      connection.watch().end();
      requestBody.continueUntilClose();
    } else if (bodiless || left == 0) {
      complete();
    } else if (left == UNKNOWN && request.http11()) {
      body = new ChunkedOutput(out);
    }
  }

  private long statedLength(long length, Fields fields) {
    // RFC 9110 §8.6: never in 204; in 304 only what a 200 would have said.
    if (status == 204) {
      return ReplyHead.UNSTATED;
    }
    if (bodiless && length <= 0) {
      String declared = fields.first("Content-Length");
      return declared != null && Grammar.isDigits(declared, 15)
          ? Long.parseLong(declared)
          : ReplyHead.UNSTATED;
    }
    if (length != 0) {
      return left;
    }
    return request.http11() ? ReplyHead.CHUNKED : ReplyHead.UNSTATED;
  }

  /** Whether the connection stays open, as far as the HTTP version does not imply it. */
  private byte[] persistence() {
    if (closes) {
      return ReplyHead.CLOSE;
    }
    return request.http11() ? ReplyHead.NOTHING : ReplyHead.KEEP_ALIVE;
  }

  @Override
  public void write(int octet) throws IOException {
    write(new byte[] {(byte) octet}, 0, 1);
  }

  /** Where a reply has no body, what the handler writes is dropped. */
  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    if (bodiless || length == 0) {
      return;
    }
    if (state != State.BEGUN) {
      throw new IOException("the reply has not begun, or has ended");
    }
    if (left == UNKNOWN) {
      body.write(bytes, offset, length);
      return;
    }
    if (length > left) {
      throw new IOException("more than the " + left + " bytes that are left of the body");
    }
    body.write(bytes, offset, length);
    left -= length;
    if (left == 0) {
      complete();
    }
  }

  @Override
  public void flush() throws IOException {
    if (state == State.BEGUN) {
      body.flush();
    }
  }

  /**
   * Ends the reply.
   *
   * @throws IOException bytes are missing, so that the connection was closed instead
   */
  @Override
  public void close() throws IOException {
    if (state != State.BEGUN) {
      return;
    }
    if (left > 0) {
      abort();
      throw new IOException(left + " bytes of the body are missing");
    }
    if (body instanceof ChunkedOutput) {
      body.close();
    }
    complete();
  }

  private void complete() throws IOException {
    out.flush();
    state = State.COMPLETE;
  }

  /** Closes the connection so that no client takes it for the end of a reply. */
  void abort() {
    if (state == State.UNBEGUN || state == State.BEGUN) {
      state = State.ABORTED;
      connection.drop(endsWithConnection);
    }
  }
}
