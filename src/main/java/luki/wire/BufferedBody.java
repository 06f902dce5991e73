package luki.wire;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
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
    if (publisher.contentLength() == 0) {
      return new byte[0];
    }
    Collector collector = new Collector(publisher.contentLength());
    try {
      publisher.subscribe(collector);
      return by == PreparedRequest.NEVER
          ? collector.whole.get()
          : collector.whole.get(by - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      throw new HttpTimeoutException("no request body in time");
    } catch (ExecutionException failed) {
      throw new IOException("no request body", failed.getCause());
    } catch (RuntimeException defect) {
      throw new IOException("the body publisher failed", defect);
    } finally {
      collector.cancel();
    }
  }

  private static final class Collector implements Flow.Subscriber<ByteBuffer> {
    private final CompletableFuture<byte[]> whole = new CompletableFuture<>();
    private final long declared;
    private final ByteArrayOutputStream collected = new ByteArrayOutputStream();
    private volatile boolean cancelled;
    private volatile Flow.@Nullable Subscription subscription;

    /**
     * Makes one.
     *
     * @param declared -1 if the publisher does not know
     */
    Collector(long declared) {
      this.declared = declared;
    }

    private void cancel() {
      cancelled = true;
      Flow.Subscription from = subscription;
      if (from != null) {
        from.cancel();
      }
    }

    private void fail(String why) {
      whole.completeExceptionally(new IOException(why));
      cancel();
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      // The second: Reactive Streams §2.5.
      if (subscription != null || cancelled) {
        given.cancel();
        return;
      }
      subscription = given;
      given.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(ByteBuffer piece) {
      long length = (long) collected.size() + piece.remaining();
      if (length > (declared < 0 ? MAX_BYTES : Math.min(declared, MAX_BYTES))) {
        fail("longer than allowed or declared");
        return;
      }
      byte[] bytes = new byte[piece.remaining()];
      piece.get(bytes);
      collected.writeBytes(bytes);
    }

    @Override
    public void onError(Throwable cause) {
      whole.completeExceptionally(cause);
    }

    @Override
    public void onComplete() {
      if (collected.size() < declared) {
        fail("shorter than declared");
      } else {
        whole.complete(collected.toByteArray());
      }
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
      Delivery delivery = new Delivery(whole, subscriber);
      subscriber.onSubscribe(delivery);
      if (whole.length == 0) {
        // An end needs no demand: Reactive Streams §1.5.
        delivery.complete();
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

  /** The body as one piece, which is passed on when the subscriber first requests one. */
  private static final class Delivery implements Flow.Subscription {
    private final byte[] whole;
    private final Flow.Subscriber<? super List<ByteBuffer>> subscriber;
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile boolean cancelled;

    Delivery(byte[] whole, Flow.Subscriber<? super List<ByteBuffer>> subscriber) {
      this.whole = whole;
      this.subscriber = subscriber;
    }

    void complete() {
      if (over.compareAndSet(false, true)) {
        subscriber.onComplete();
      }
    }

    @Override
    public void request(long pieces) {
      if (whole.length == 0 || !over.compareAndSet(false, true)) {
        return;
      }
      if (pieces <= 0) {
        // Reactive Streams §3.9.
        subscriber.onError(new IllegalArgumentException("not a positive number of pieces"));
        return;
      }
      subscriber.onNext(List.of(ByteBuffer.wrap(whole).asReadOnlyBuffer()));
      if (!cancelled) {
        subscriber.onComplete();
      }
    }

    @Override
    public void cancel() {
      cancelled = true;
      over.set(true);
    }
  }
}
