package luki.http1;

import java.io.EOFException;
import java.io.IOException;
import java.util.Objects;

/**
 * A message's body. Closing it does nothing: the owner of the connection decides about the rest. An
 * end of the stream before the end of the body is an {@link EOFException}, each time.
 */
public abstract sealed class BodyInput extends BlockInput
    permits BodyInput.Fixed, BodyInput.UntilClose, ChunkedInput {

  /** The body with that framing that comes next from the source. */
  public static BodyInput of(BodyFraming framing, InputBuffer source, HeadLimits trailers) {
    return switch (framing) {
      case BodyFraming.None _ -> new Fixed(source, 0);
      case BodyFraming.Fixed fixed -> new Fixed(source, fixed.bytes());
      case BodyFraming.Chunked _ -> new ChunkedInput(source, trailers);
      case BodyFraming.UntilClose _ -> new UntilClose(source);
    };
  }

  /** The whole body was read, so that the next message may follow. */
  public abstract boolean isEnded();

  /**
   * Bytes that are known to come next: of the whole body, or of its chunk, whose size this waits
   * for; 0 at the end of the body.
   */
  public abstract long announced() throws IOException;

  /** A body of a known length. */
  static final class Fixed extends BodyInput {
    private final InputBuffer source;
    private long left;

    Fixed(InputBuffer source, long length) {
      this.source = source;
      this.left = length;
    }

    @Override
    public boolean isEnded() {
      return left == 0;
    }

    @Override
    public long announced() {
      return left;
    }

    @Override
    public long remaining() {
      return left;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, into.length);
      if (length == 0) {
        return 0;
      }
      if (left == 0) {
        return -1;
      }
      int n = source.read(into, offset, (int) Math.min(length, left));
      if (n < 0) {
        throw new EOFException("closed " + left + " bytes before the end of a body");
      }
      left -= n;
      return n;
    }
  }

  /** A response's body that ends with its connection. */
  static final class UntilClose extends BodyInput {
    private final InputBuffer source;
    private boolean ended;

    UntilClose(InputBuffer source) {
      this.source = source;
    }

    @Override
    public boolean isEnded() {
      return ended;
    }

    @Override
    public long announced() {
      return ended ? 0 : 1;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, into.length);
      int n = ended ? -1 : source.read(into, offset, length);
      ended = n < 0;
      return n;
    }
  }
}
