package luki.wire;

import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.http1.BlockInput;
import luki.http1.BodyInput;
import luki.http1.PreparedRequest;
import luki.wire.RequestWriter.BodyUpload;
import org.jspecify.annotations.Nullable;

/**
 * A reply's body on its connection. Read to its end, it returns the connection to the pool; closed
 * before, it closes the connection, and a read on another thread fails.
 */
final class ReplyStream extends BlockInput {
  private final PooledConnection connection;
  private final OriginPool pool;
  private final BodyInput content;
  private final long by;
  private final boolean reusable;
  private final @Nullable BodyUpload upload;
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile boolean closed;

  /**
   * Makes one.
   *
   * @param by when it must have been read, of {@link System#nanoTime}, or {@link
   *     PreparedRequest#NEVER}
   * @param reusable another request may follow on the connection once this reply was read
   * @param upload the body of the request, if it has a thread of its own
   */
  ReplyStream(
      PooledConnection connection,
      OriginPool pool,
      BodyInput content,
      long by,
      boolean reusable,
      @Nullable BodyUpload upload) {
    this.connection = connection;
    this.pool = pool;
    this.content = content;
    this.by = by;
    this.reusable = reusable;
    this.upload = upload;
  }

  /** Returns the connection if nothing more of this reply is to come. */
  void endIfRead() {
    if (content.isEnded() && over.compareAndSet(false, true)) {
      // Asked in any case: it stops the upload.
      boolean sent = upload == null || upload.stop();
      boolean again =
          sent
              && reusable
              && connection.deadline().clear()
              // RFC 9112 §9.2: bytes after the reply belong to no request.
              && connection.input().isEmpty();
      if (again) {
        pool.giveBack(connection);
      } else {
        pool.discard(connection);
      }
    }
  }

  @Override
  public long remaining() {
    return content.remaining();
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (closed) {
      throw new IOException("the reply was closed");
    }
    try {
      if (content.isEnded()) {
        // The connection may serve another call by now.
        return -1;
      }
      int n =
          connection.input().isEmpty()
              ? readFromPeer(into, offset, length)
              : content.read(into, offset, length);
      endIfRead();
      return n;
    } catch (IOException failure) {
      close();
      throw timeoutOr(connection, failure);
    }
  }

  /** The limit of silence runs only while the peer is waited for, never while the reader works. */
  private int readFromPeer(byte[] into, int offset, int length) throws IOException {
    long silentBy = System.nanoTime() + pool.silenceNanos();
    boolean first = by == PreparedRequest.NEVER || by - silentBy > 0;
    connection.expireAt(first ? silentBy : by);
    int n = content.read(into, offset, length);
    connection.expireAt(by);
    return n;
  }

  @Override
  public void close() {
    if (over.compareAndSet(false, true)) {
      closed = true;
      if (upload != null) {
        boolean _ = upload.stop();
      }
      pool.discard(connection);
    }
  }

  /** What the caller gets for a failure: a timeout if the deadline closed the connection. */
  static IOException timeoutOr(PooledConnection connection, IOException failure) {
    if (!connection.deadline().hasExpired()) {
      return failure;
    }
    HttpTimeoutException late = new HttpTimeoutException("reply not complete in time");
    late.initCause(failure);
    return late;
  }
}
