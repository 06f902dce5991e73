package luki.wire;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.http1.PreparedRequest;
import org.jspecify.annotations.Nullable;

/**
 * Bodies of the JDK's publishers and for its subscribers. Each is in memory as a whole before it is
 * passed on, on the caller's thread.
 */
final class BufferedBody {
  /** Longest body of a request or a reply. */
  static final int MAX_BYTES = 16 * 1024 * 1024;

  private BufferedBody() {}

  /**
   * The whole body of a request.
   *
   * @param by when it must be there, of {@link System#nanoTime}, or {@link PreparedRequest#NEVER}
   * @throws IOException it is too long, of another length than declared, or the publisher failed
   */
  static byte[] of(HttpRequest.BodyPublisher publisher, long by)
      throws IOException, InterruptedException {
    long declared = publisher.contentLength();
    if (declared == 0) {
      return new byte[0];
    }
    HttpResponse.BodySubscriber<byte[]> collector =
        BodySubscribers.limiting(BodySubscribers.ofByteArray(), MAX_BYTES);
    Pieces pieces = new Pieces(collector);
    try {
      publisher.subscribe(pieces);
      CompletableFuture<byte[]> collected = collector.getBody().toCompletableFuture();
      byte[] whole =
          by == PreparedRequest.NEVER
              ? collected.get()
              : collected.get(by - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (declared > 0 && whole.length != declared) {
        throw new IOException("not as long as declared");
      }
      return whole;
    } catch (TimeoutException late) {
      throw new HttpTimeoutException("no request body in time");
    } catch (ExecutionException failed) {
      throw new IOException("no request body", failed.getCause());
    } catch (RuntimeException defect) {
      throw new IOException("the body publisher failed", defect);
    } finally {
      pieces.cancel();
    }
  }

  /**
   * Reads the whole body and passes it to the handler.
   *
   * @throws IOException it is too long, or the handler failed
   */
  static <T> HttpResponse<T> deliver(
      WireReply<InputStream> reply, HttpResponse.BodyHandler<T> handler)
      throws IOException, InterruptedException {
    try (InputStream body = reply.body()) {
      HttpResponse.BodySubscriber<T> subscriber = handler.apply(reply);
      byte[] whole = body.readNBytes(MAX_BYTES + 1);
      if (whole.length > MAX_BYTES) {
        throw new IOException("the body of the reply is longer than allowed");
      }
      Pieces pieces = new Pieces(subscriber);
      HttpRequest.BodyPublishers.ofByteArray(whole).subscribe(pieces);
      if (whole.length == 0) {
        // An end needs no demand: Reactive Streams §1.5.
        pieces.onComplete();
      }
      return reply.with(subscriber.getBody().toCompletableFuture().get());
    } catch (IOException failure) {
      if (Thread.interrupted()) {
        throw new InterruptedException("while reading a reply");
      }
      throw failure;
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause();
      throw cause instanceof IOException known ? known : new IOException("no body", cause);
    } catch (RuntimeException defect) {
      throw new IOException("the body handler failed", defect);
    }
  }

  /** Passes the pieces of a request's body on to a subscriber for replies. */
  private static final class Pieces implements Flow.Subscriber<ByteBuffer> {
    private final Flow.Subscriber<? super List<ByteBuffer>> to;
    private final AtomicBoolean complete = new AtomicBoolean();
    private volatile boolean cancelled;
    private volatile Flow.@Nullable Subscription subscription;

    Pieces(Flow.Subscriber<? super List<ByteBuffer>> to) {
      this.to = to;
    }

    private void cancel() {
      cancelled = true;
      Flow.Subscription from = subscription;
      if (from != null) {
        from.cancel();
      }
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      // The second: Reactive Streams §2.5.
      if (subscription != null || cancelled) {
        given.cancel();
        return;
      }
      subscription = given;
      to.onSubscribe(given);
    }

    @Override
    public void onNext(ByteBuffer piece) {
      if (piece.hasRemaining()) {
        to.onNext(List.of(piece));
      }
    }

    @Override
    public void onError(Throwable cause) {
      to.onError(cause);
    }

    @Override
    public void onComplete() {
      if (complete.compareAndSet(false, true)) {
        to.onComplete();
      }
    }
  }
}
