package luki.gateway.resume;

import java.io.IOException;
import java.util.OptionalLong;
import java.util.function.Consumer;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Response.Delivery;
import org.jspecify.annotations.Nullable;

/** One reply with events of a {@link KeptStream}. */
final class StreamReader implements Body.Source {
  private final KeptStream stream;
  private final Body.Source source;
  private final boolean begins;
  private int read;
  private boolean released;

  /**
   * A reader that has all events up to a number.
   *
   * @param source of the stream
   * @param begins it is of the request that began the stream
   */
  StreamReader(KeptStream stream, Body.Source source, int read, boolean begins) {
    this.stream = stream;
    this.source = source;
    this.read = read;
    this.begins = begins;
  }

  boolean begins() {
    return begins;
  }

  /** The number of the last event that was handed out. */
  int read() {
    return read;
  }

  void reads() {
    read++;
  }

  @Override
  public byte @Nullable [] next() throws IOException, InterruptedException {
    return stream.next(this);
  }

  @Override
  public void probe() {
    source.probe();
  }

  @Override
  public @Nullable ErrorCode failure() {
    return source.failure();
  }

  @Override
  public OptionalLong firstEventNanos() {
    return begins ? source.firstEventNanos() : OptionalLong.empty();
  }

  @Override
  public boolean release(Consumer<Delivery.End> whenOver) {
    released = true;
    return stream.leave(this, whenOver);
  }

  /** One that was never released was not for a client that can come back. */
  @Override
  public void close() {
    if (!released && begins) {
      stream.drop();
    } else if (!released) {
      boolean _ = stream.leave(this, _ -> {});
    }
  }
}
