package luki.wire;

import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** A publisher's bytes as pieces that are asked for one by one, so that it never runs ahead. */
final class PublisherUpload implements Upload, Flow.Subscriber<ByteBuffer> {
  /** What the publisher says; at most one piece and one end are on their way. */
  private sealed interface Said {
    record Piece(ByteBuffer bytes) implements Said {}

    record End() implements Said {}

    record Failure(Throwable cause) implements Said {}
  }

  private final long length;
  private final LinkedBlockingQueue<Said> said = new LinkedBlockingQueue<>();
  private volatile Flow.@Nullable Subscription subscription;

  private PublisherUpload(long length) {
    this.length = length;
  }

  static Upload of(HttpRequest.BodyPublisher publisher) {
    long length = publisher.contentLength();
    if (length == 0) {
      return Upload.of(new byte[0]);
    }
    PublisherUpload upload = new PublisherUpload(length);
    publisher.subscribe(upload);
    return upload;
  }

  @Override
  public long length() {
    return length;
  }

  @Override
  public byte @Nullable [] next() throws BadBody, InterruptedException {
    Flow.Subscription from = subscription;
    if (from != null) {
      from.request(1);
    }
    return switch (said.take()) {
      case Said.End _ -> null;
      case Said.Failure(Throwable cause) -> throw new BadBody(cause);
      case Said.Piece(ByteBuffer bytes) -> {
        byte[] piece = new byte[bytes.remaining()];
        bytes.get(piece);
        yield piece;
      }
    };
  }

  @Override
  public void cancel() {
    Flow.Subscription from = subscription;
    if (from != null) {
      from.cancel();
    }
    // Whoever waits for a piece is let go.
    said.add(new Said.Failure(new CancellationException("no longer wanted")));
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
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
