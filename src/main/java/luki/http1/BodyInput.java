package luki.http1;

/**
 * A message's body. Closing it does nothing: whoever owns the connection decides about the rest. An
 * end of the stream before the end of the body is an {@link java.io.EOFException}, each time.
 */
public abstract sealed class BodyInput extends BlockInput
    permits FixedInput, ChunkedInput, UntilCloseInput {

  /** The body that is framed so and comes next from the source. */
  public static BodyInput of(BodyFraming length, InputBuffer source, HeadLimits trailers) {
    return switch (length) {
      case BodyFraming.None _ -> new FixedInput(source, 0);
      case BodyFraming.Fixed fixed -> new FixedInput(source, fixed.bytes());
      case BodyFraming.Chunked _ -> new ChunkedInput(source, trailers);
      case BodyFraming.UntilClose _ -> new UntilCloseInput(source);
    };
  }

  /** The whole body was read, so that the next message may follow. */
  public abstract boolean isEnded();
}
