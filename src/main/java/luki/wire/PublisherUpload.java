package luki.wire;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A publisher's bytes as pieces that are asked for one by one, so that it is never more than one
 * piece ahead.
 */
final class PublisherUpload implements Upload, Flow.Subscriber<ByteBuffer> {
  /** What the publisher says; at most one piece and one end are on their way. */
  private sealed interface Said {
    record Piece(ByteBuffer bytes) implements Said {}

    record End() implements Said {}

    record Failure(Throwable cause) implements Said {}
  }

  private final HttpRequest.BodyPublisher publisher;
  private final LinkedBlockingQueue<Said> said = new LinkedBlockingQueue<>();
  private final AtomicBoolean cancelled = new AtomicBoolean();
  private boolean subscribed;
  private volatile Flow.@Nullable Subscription subscription;

  private PublisherUpload(HttpRequest.BodyPublisher publisher) {
    this.publisher = publisher;
  }

  /** Nothing is asked of the publisher before the first piece is. */
  static Upload of(HttpRequest.BodyPublisher publisher) {
    return publisher.contentLength() == 0 ? Upload.of(new byte[0]) : new PublisherUpload(publisher);
  }

  @Override
  public long length() {
    return publisher.contentLength();
  }

  @Override
  public byte @Nullable [] next(long nanos) throws IOException, InterruptedException {
    if (!subscribed) {
      subscribed = true;
      publisher.subscribe(this);
    }
    Said next = said.poll(nanos, TimeUnit.NANOSECONDS);
    return switch (next) {
      case null -> throw new HttpTimeoutException("no request body in time");
      case Said.End _ -> null;
      case Said.Failure(Throwable cause) -> throw new BadBody(cause);
      case Said.Piece(ByteBuffer bytes) -> {
        byte[] piece = new byte[bytes.remaining()];
        bytes.get(piece);
        Flow.Subscription from = subscription;
        if (from != null) {
          from.request(1);
        }
        yield piece;
      }
    };
  }

  @Override
  public void cancel() {
    cancelled.set(true);
    Flow.Subscription from = subscription;
    if (from != null) {
      from.cancel();
    }
    // Whoever waits for a piece is let go.
    said.add(new Said.Failure(new CancellationException("no longer wanted")));
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    if (subscription != null) {
      // Reactive Streams §2.5.
      given.cancel();
      return;
    }
    subscription = given;
    if (cancelled.get()) {
      given.cancel();
    } else {
      given.request(1);
    }
  }

  @Override
  public void onNext(ByteBuffer bytes) {
    said.add(new Said.Piece(bytes));
  }

  @Override
  public void onError(Throwable cause) {
    said.add(new Said.Failure(cause));
  }

  @Override
  public void onComplete() {
    said.add(new Said.End());
  }
}
