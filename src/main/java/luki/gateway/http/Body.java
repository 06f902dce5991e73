package luki.gateway.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import luki.gateway.http.Response.Delivery;
import org.jspecify.annotations.Nullable;

/** What a message carries. A stream is pulled piece by piece, never collected. */
public sealed interface Body {
  Body EMPTY = new Empty();

  static Body of(byte[] bytes) {
    return bytes.length == 0 ? EMPTY : new Bytes(bytes);
  }

  /** The bytes of a complete body. */
  static byte[] bytesOf(Body body) {
    return switch (body) {
      case Empty _ -> new byte[0];
      case Bytes whole -> whole.bytes();
      case Stream _, Upgraded _ ->
          throw new IllegalArgumentException("a stream is pulled, never collected");
    };
  }

  record Empty() implements Body {}

  /** A complete body. The bytes must not be changed. */
  final class Bytes implements Body {
    private final byte[] bytes;

    private Bytes(byte[] bytes) {
      this.bytes = bytes;
    }

    public byte[] bytes() {
      return bytes;
    }
  }

  /**
   * A body that comes piece by piece; each piece is sent on at once.
   *
   * @param encoder changes each piece before it is sent
   */
  record Stream(Source source, UnaryOperator<byte[]> encoder) implements Body {
    public Stream(Source source) {
      this(source, UnaryOperator.identity());
    }
  }

  /** Of a 101 reply: after its head the connection speaks another protocol. */
  record Upgraded(Session session) implements Body {}

  /** The rest of a connection that speaks another protocol. */
  @FunctionalInterface
  interface Session {
    /**
     * Runs until the connection is to be closed.
     *
     * @throws IOException the client left
     */
    void run(InputStream in, OutputStream out) throws IOException;
  }

  /** Where a stream comes from. Used by one thread, closed exactly once, also after a failure. */
  interface Source extends AutoCloseable {
    /**
     * The next piece, or null at the end, where its call has ended too.
     *
     * @throws IOException the stream broke: the message must be aborted, never ended as if whole
     */
    byte @Nullable [] next() throws IOException, InterruptedException;

    /** Has a piece sent soon, to see whether the client is still there; on any thread. */
    default void probe() {}

    /**
     * Called before it is closed when no more of it will be sent, since all was or the client left.
     *
     * @param whenOver run once, on any thread, when a stream that goes on is over
     * @return whether it goes on without this reply
     */
    default boolean release(Consumer<Delivery.End> whenOver) {
      return false;
    }

    /** Why its caller may have no more of it; null while that is allowed. */
    default @Nullable ApiError refusal() {
      return null;
    }

    /** The error in the stream's last piece, if there is one. */
    default @Nullable ErrorCode failure() {
      return null;
    }

    /** From the request to its first event, where there was one. */
    default OptionalLong firstEventNanos() {
      return OptionalLong.empty();
    }

    @Override
    void close();
  }
}
