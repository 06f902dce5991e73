package luki.edge;

import java.io.IOException;
import java.io.OutputStream;
import luki.http1.ChunkedOutput;
import luki.http1.Fields;
import luki.http1.Grammar;
import luki.http1.RequestHead;

/**
 * One reply: unbegun → begun → complete, or aborted from either of the first two. Only a complete
 * one lets the connection serve another request.
 */
final class Reply {
  enum State {
    UNBEGUN,
    BEGUN,
    COMPLETE,
    ABORTED
  }

  /** An unknown length: chunked in HTTP/1.1, until the close in HTTP/1.0. */
  static final long UNKNOWN = -1;

  private final Connection connection;
  private final RequestHead request;
  private final RequestBody requestBody;
  private final WriteBuffer out;
  private volatile State state = State.UNBEGUN;
  private boolean closes;
  private boolean endsWithConnection;
  private int status = -1;

  Reply(Connection connection, RequestHead request, RequestBody requestBody, boolean closes) {
    this.connection = connection;
    this.request = request;
    this.requestBody = requestBody;
    this.out = connection.out();
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

  /**
   * Puts the head where the body's first bytes join it.
   *
   * @param length exact or {@link #UNKNOWN}
   */
  OutputStream begin(int newStatus, Fields fields, long length) throws IOException {
    if (state != State.UNBEGUN) {
      throw new IllegalStateException("the exchange was answered");
    }
    if (!ReplyHead.isFinal(newStatus) || length < UNKNOWN) {
      throw new IllegalArgumentException("status " + newStatus + ", length " + length);
    }
    if (newStatus == ReplyHead.SWITCHING_PROTOCOLS) {
      return upgraded(fields);
    }
    boolean bodiless = newStatus == 204 || tellsLengthAlone(newStatus);
    boolean unsized = length == UNKNOWN;
    endsWithConnection = unsized && !bodiless && !request.http11();
    closes |=
        endsWithConnection
            || fields.hasToken("Connection", "close")
            || connection.shared().connections().isStopping()
            // RFC 9110 §10.1.1: a client that got no 100 may or may not send its body.
            || requestBody.isAwaited()
            || requestBody.failure() != null
            || requestBody.isLongerThan(Connection.MAX_DRAIN_BYTES);
    status = newStatus;
    long stated = statedLength(bodiless, length, fields);
    ReplyHead.render(out, newStatus, connection.shared().date(), fields, stated, persistence());
    state = State.BEGUN;
    connection.watch().awaitQuestion();
    if (bodiless || length == 0) {
      complete();
      return new ReplyBody(this, out, 0, bodiless);
    }
    if (unsized) {
      OutputStream body = request.http11() ? new ChunkedOutput(out) : out;
      return new ReplyBody(this, body, UNKNOWN, false);
    }
    return new ReplyBody(this, out, length, false);
  }

  /** From the head on both sides send what they like until the connection ends. */
  private OutputStream upgraded(Fields fields) throws IOException {
    if (!request.http11() || !request.fields().has("Upgrade")) {
      throw new IllegalArgumentException("the client did not ask for another protocol");
    }
    closes = true;
    status = ReplyHead.SWITCHING_PROTOCOLS;
    DateLine date = connection.shared().date();
    ReplyHead.render(out, status, date, fields, ReplyHead.UNSTATED, ReplyHead.UPGRADE);
    state = State.BEGUN;
    connection.watch().awaitQuestion();
    connection.watch().end();
    requestBody.continueUntilClose();
    return new ReplyBody(this, out, UNKNOWN, false);
  }

  private long statedLength(boolean bodiless, long length, Fields fields) {
    // RFC 9110 §8.6: never in 204; in 304 only what a 200 would have said.
    if (status == 204 || (status == 304 && length == 0)) {
      return ReplyHead.UNSTATED;
    }
    if (length >= 0) {
      return length;
    }
    if (bodiless) {
      String declared = fields.first("Content-Length");
      return declared != null && Grammar.isDigits(declared, 15)
          ? Long.parseLong(declared)
          : ReplyHead.UNSTATED;
    }
    return request.http11() ? ReplyHead.CHUNKED : ReplyHead.UNSTATED;
  }

  boolean isHttp11() {
    return request.http11();
  }

  /** Whether such a reply has no body, but may state the length that it would have had. */
  boolean tellsLengthAlone(int newStatus) {
    return newStatus == 304 || request.method().equals("HEAD");
  }

  /** Whether the connection stays open, as far as the HTTP version does not imply it. */
  private byte[] persistence() {
    if (closes) {
      return ReplyHead.CLOSE;
    }
    return request.http11() ? ReplyHead.NOTHING : ReplyHead.KEEP_ALIVE;
  }

  /** The body is complete. */
  void complete() throws IOException {
    if (state == State.BEGUN) {
      out.flush();
      state = State.COMPLETE;
    }
  }

  /** Closes the connection so that no client takes it for the end of a reply. */
  void abort() {
    if (state == State.UNBEGUN || state == State.BEGUN) {
      state = State.ABORTED;
      connection.drop(endsWithConnection);
    }
  }

  /** Fails when the body can no longer be written. */
  void checkBegun() throws IOException {
    if (state != State.BEGUN) {
      throw new IOException("the reply has ended");
    }
  }
}
