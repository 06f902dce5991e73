package luki.http1;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A reply's body as a stream with a deadline, after which reading it is an {@link
 * HttpTimeoutException}. Closing the stream ends the call, from any thread. A client that knows
 * this class returns its own stream; any other calls {@link #apply}.
 *
 * @param by when the whole body must have been read, of {@link System#nanoTime}, or {@link
 *     PreparedRequest#NEVER}
 */
public record TimedBody(long by) implements HttpResponse.BodyHandler<InputStream> {
  @Override
  public HttpResponse.BodySubscriber<InputStream> apply(HttpResponse.ResponseInfo head) {
    return HttpResponse.BodySubscribers.mapping(
        HttpResponse.BodySubscribers.ofInputStream(),
        body -> by == PreparedRequest.NEVER ? body : new TimedInput(body, by));
  }

  /** A stream that is closed by a timer. */
  private static final class TimedInput extends BlockInput {
    private final InputStream body;
    private final CompletableFuture<@Nullable Void> timer = new CompletableFuture<>();
    private volatile boolean expired;

    TimedInput(InputStream body, long by) {
      this.body = body;
      CompletableFuture<@Nullable Void> _ =
          timer
              .orTimeout(by - System.nanoTime(), TimeUnit.NANOSECONDS)
              // On another thread than the timer's: closing may block.
              .exceptionallyAsync(_ -> expire(), Thread::startVirtualThread);
    }

    private @Nullable Void expire() {
      expired = true;
      try {
        body.close();
      } catch (IOException _) {
        // The call is over in any case.
      }
      return null;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      try {
        int n = body.read(into, offset, length);
        if (n < 0 && expired) {
          throw new IOException("closed");
        }
        return n;
      } catch (IOException failure) {
        if (!expired) {
          throw failure;
        }
        HttpTimeoutException late = new HttpTimeoutException("reply not complete in time");
        late.initCause(failure);
        throw late;
      }
    }

    @Override
    public void close() throws IOException {
      timer.complete(null);
      body.close();
    }
  }
}
