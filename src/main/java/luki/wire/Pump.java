package luki.wire;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Hands a reply's body to a subscriber, as much of it as the subscriber asks for. */
final class Pump implements Flow.Subscription, Runnable {
  private static final int FIRST_PIECE = 2 * 1024;
  private static final int LARGEST_PIECE = 16 * 1024;

  private final WireReply reply;
  private final HttpResponse.BodySubscriber<?> subscriber;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private long demand;
  private boolean cancelled;
  private boolean nonsense;

  private Pump(WireReply reply, HttpResponse.BodySubscriber<?> subscriber) {
    this.reply = reply;
    this.subscriber = subscriber;
  }

  static Pump start(WireReply reply, HttpResponse.BodySubscriber<?> subscriber) {
    Pump pump = new Pump(reply, subscriber);
    Thread.ofVirtual().name("wire-body").start(pump);
    return pump;
  }

  @Override
  public void request(long more) {
    lock.lock();
    try {
      nonsense |= more <= 0;
      demand = demand + more < 0 ? Long.MAX_VALUE : demand + more;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void cancel() {
    lock.lock();
    try {
      cancelled = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    reply.close();
  }

  /** False when the subscriber wants no more at all. */
  private boolean awaitDemand() throws InterruptedException {
    lock.lock();
    try {
      while (demand == 0 && !cancelled) {
        changed.await();
      }
      if (nonsense) {
        throw new IllegalArgumentException("a subscriber must ask for more than nothing");
      }
      demand -= demand == Long.MAX_VALUE ? 0 : 1;
      return !cancelled;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void run() {
    try {
      subscriber.onSubscribe(this);
      byte[] piece = new byte[FIRST_PIECE];
      boolean wanted = true;
      // The end needs no demand: Reactive Streams §1.5.
      while (wanted && !reply.isRead()) {
        wanted = awaitDemand();
        int n = wanted ? reply.body().read(piece, 0, piece.length) : 0;
        if (n > 0) {
          ByteBuffer copy = ByteBuffer.wrap(Arrays.copyOf(piece, n));
          subscriber.onNext(List.of(copy.asReadOnlyBuffer()));
        }
        if (n == piece.length && n < LARGEST_PIECE) {
          piece = new byte[2 * n];
        }
      }
      if (wanted) {
        subscriber.onComplete();
      }
    } catch (IOException | RuntimeException failure) {
      subscriber.onError(failure);
    } catch (InterruptedException interrupted) {
      subscriber.onError(new IOException("interrupted", interrupted));
    } finally {
      reply.close();
    }
  }
}
