package luki.http1;

import java.io.IOException;
import java.io.InputStream;

/**
 * A message's body. Closing it does nothing: whoever owns the connection decides about the rest. An
 * end of the stream before the end of the body is an {@link java.io.EOFException}, each time.
 */
public abstract sealed class BodyInput extends InputStream
    permits FixedInput, ChunkedInput, OpenInput {

  /** The body that is framed so and comes next from the source. */
  public static BodyInput of(BodyLength length, Source source, HeadLimits trailers) {
    return switch (length) {
      case BodyLength.None _ -> new FixedInput(source, 0);
      case BodyLength.Fixed fixed -> new FixedInput(source, fixed.bytes());
      case BodyLength.Chunked _ -> new ChunkedInput(source, trailers);
      case BodyLength.UntilClose _ -> new OpenInput(source);
    };
  }

  /** The whole body was read, so that the next message may follow. */
  public abstract boolean isEnded();

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public abstract int read(byte[] into, int offset, int length) throws IOException;
}
