package luki.wire;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpTimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLSession;
import luki.http1.BlockInput;
import luki.http1.BodyInput;
import luki.http1.Fields;
import luki.http1.RawClient;
import luki.http1.ResponseHead;
import org.jspecify.annotations.Nullable;

/** A reply whose body is still on its connection: open → read to its end, or closed before. */
final class WireReply implements RawClient.Reply {
  private final ResponseHead head;
  private final PooledConnection link;
  private final OriginPool pool;
  private final BodyInput content;
  private final InputStream body = new Body();
  private final RequestWriter.StopSign sentWhole;
  private final Waits waits;
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile boolean closed;

  /**
   * Makes one.
   *
   * @param sentWhole whether the request was sent to its end
   * @param waits how long its body may keep its reader waiting
   */
  WireReply(
      ResponseHead head,
      PooledConnection link,
      OriginPool pool,
      BodyInput content,
      RequestWriter.StopSign sentWhole,
      Waits waits) {
    this.head = head;
    this.link = link;
    this.pool = pool;
    this.content = content;
    this.sentWhole = sentWhole;
    this.waits = waits;
  }

  /**
   * By when a body must have been read, and the longest silence within it, in nanoseconds.
   *
   * @param end a moment of that clock, or {@link RawClient#NEVER}
   */
  record Waits(long end, long silence, LongSupplier nanoTime) {
    private long next() {
      long quiet = nanoTime.getAsLong() + silence;
      return end == RawClient.NEVER || end - quiet > 0 ? quiet : end;
    }
  }

  @Override
  public int status() {
    return head.status();
  }

  @Override
  public Fields fields() {
    return head.fields();
  }

  boolean http11() {
    return head.http11();
  }

  @Nullable SSLSession session() {
    return link.session();
  }

  @Override
  public InputStream body() {
    return body;
  }

  /** Nothing more of the body is to come. */
  boolean isRead() {
    return content.isEnded();
  }

  /** Gives the connection back when there is nothing more on it for this call. */
  void endIfRead() {
    if (content.isEnded() && over.compareAndSet(false, true)) {
      // Asked in any case: it ends what is being sent.
      boolean whole = sentWhole.isSet();
      boolean again =
          whole
              && link.expiry().clear()
              && head.keepsAlive()
              // RFC 9112 §9.2: bytes after the reply belong to no request.
              && link.source().isEmpty();
      if (again) {
        pool.giveBack(link);
      } else {
        pool.discard(link);
      }
    }
  }

  @Override
  public void close() {
    if (over.compareAndSet(false, true)) {
      closed = true;
      boolean _ = sentWhole.isSet();
      pool.discard(link);
    }
  }

  /** What a failure on a connection was, seen from outside. */
  static IOException told(PooledConnection link, IOException failure) {
    if (link.expiry().hasExpired()) {
      HttpTimeoutException late = new HttpTimeoutException("no whole reply in time");
      late.initCause(failure);
      return late;
    }
    return failure;
  }

  private final class Body extends BlockInput {

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (closed) {
        throw new IOException("a reply that was closed");
      }
      try {
        if (content.isEnded()) {
          // The connection may serve another call by now.
          return -1;
        }
        int n =
            link.source().isEmpty()
                ? awaited(into, offset, length)
                : content.read(into, offset, length);
        if (content.isEnded()) {
          endIfRead();
        }
        return n;
      } catch (IOException failure) {
        close();
        throw told(link, failure);
      }
    }

    /** Time counts only while somebody waits for the service, never while its reader works. */
    private int awaited(byte[] into, int offset, int length) throws IOException {
      if (!link.expiry().set(waits.next())) {
        throw new IOException("expired");
      }
      int n = content.read(into, offset, length);
      if (!link.expiry().set(waits.end())) {
        throw new IOException("expired");
      }
      return n;
    }

    @Override
    public void close() {
      WireReply.this.close();
    }
  }
}
