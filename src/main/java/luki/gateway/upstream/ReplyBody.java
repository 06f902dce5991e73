package luki.gateway.upstream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import luki.gateway.http.Deadline;
import org.jspecify.annotations.Nullable;

/**
 * Collects a reply up to a limit and a deadline. The client's own timeout ends at the headers, so
 * the body's is kept here; either bound breaks the connection off.
 */
final class ReplyBody implements HttpResponse.BodySubscriber<byte[]> {
  private final int limit;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
  private final CompletableFuture<byte[]> whole = new CompletableFuture<>();
  private volatile Flow.@Nullable Subscription subscription;

  private ReplyBody(int limit) {
    this.limit = limit;
  }

  /** A reply that is longer than the gateway takes. */
  static final class TooLong extends IOException {
    private static final long serialVersionUID = 1L;

    TooLong() {
      super("reply too long");
    }
  }

  static HttpResponse.BodyHandler<byte[]> handler(
      int limit, Deadline deadline, ScheduledExecutorService timer) {
    return info -> {
      ReplyBody body = new ReplyBody(limit);
      var expiry =
          timer.schedule(
              () -> body.breakOff(new HttpTimeoutException("reply not complete in time")),
              deadline.left().toNanos(),
              TimeUnit.NANOSECONDS);
      var _ = body.whole.whenComplete((_, _) -> expiry.cancel(false));
      return body;
    };
  }

  @Override
  public CompletionStage<byte[]> getBody() {
    return whole;
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    given.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    for (ByteBuffer buffer : buffers) {
      if (bytes.size() + buffer.remaining() > limit) {
        breakOff(new TooLong());
        return;
      }
      byte[] piece = new byte[buffer.remaining()];
      buffer.get(piece);
      bytes.writeBytes(piece);
    }
  }

  @Override
  public void onError(Throwable failure) {
    whole.completeExceptionally(failure);
  }

  @Override
  public void onComplete() {
    whole.complete(bytes.toByteArray());
  }

  private void breakOff(IOException reason) {
    Flow.Subscription open = subscription;
    if (whole.completeExceptionally(reason) && open != null) {
      open.cancel();
    }
  }
}
