package luki.gateway.resume;

import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * A stream that keeps its last events. One thread at a time takes events from its source: that of
 * the reader, or one that goes on without a reader until it has as many as it may keep.
 *
 * <pre>
 *   open ──► read ──leave──► unread ──resume──► read
 *              └───────────────┴──► over ───────► dropped
 * </pre>
 */
final class KeptStream {
  /** As much as a service may be ahead of a slow client. */
  private static final int MAX_BYTES = 256 * 1024;

  /** What was taken for it; guarded by {@link KeptStreams}. */
  long held;

  private final KeptStreams all;
  private final String id;
  private final Exchange begun;
  private final Body.Source source;
  private final ByteBudget.Lease lease;
  private final ReentrantLock taking = new ReentrantLock();
  volatile boolean over;
  private volatile boolean dropped;
  private boolean closed;
  // Guarded by this, as all that follows.
  private final LastEvents events;
  private boolean resumable = true;
  private @Nullable Object taker;
  private @Nullable Consumer<Delivery.End> whenOver;
  private long leftAt;

  /** A stream that has begun; the lease is what its call takes in memory. */
  KeptStream(
      KeptStreams all, String id, Exchange begun, Body.Source source, ByteBudget.Lease lease) {
    this.all = all;
    this.id = id;
    this.begun = begun.carrying(null);
    this.source = source;
    this.lease = lease;
    this.events = new LastEvents(id);
  }

  String id() {
    return id;
  }

  String caller() {
    return begun.principal().limitedAs();
  }

  boolean isOf(Exchange exchange) {
    return begun.principal().isSameCaller(exchange.principal())
        && begun.user().equals(exchange.user());
  }

  /** For the client that has asked for it. */
  synchronized Body.Source open() {
    StreamReader reader = new StreamReader(this, source, 0, true);
    taker = reader;
    return reader;
  }

  /** For a client that has all events up to this number; whoever reads it now is ended. */
  Response resume(int after) {
    if (source.refusal() != null) {
      // The credential was checked just now.
      drop();
      return Response.refused(ApiError.of(ErrorCode.CONSENT_DENIED));
    }
    StreamReader reader = new StreamReader(this, source, after, false);
    synchronized (this) {
      if (!resumable || dropped || !events.goesOnAfter(after)) {
        return KeptStreams.notFound();
      }
      if (over && after == events.last()) {
        return Response.empty(204);
      }
      if (!all.attach(this)) {
        return KeptStreams.notFound();
      }
      all.give(this, events.forgetUpTo(after));
      taker = reader;
      notifyAll();
    }
    source.probe();
    return new Response(200, Response.EVENT_STREAM, new Body.Stream(reader));
  }

  /** From now on it cannot be resumed. */
  synchronized void forget() {
    resumable = false;
    long _ = events.forgetUpTo(read());
    all.remove(this);
  }

  /** Drops it if nobody reads it, and nobody may ask for it any more. */
  void dropIfExpired(boolean now) {
    synchronized (this) {
      boolean expired = now || all.now() - leftAt >= KeptStreams.LIFETIME.toNanos();
      if (taker instanceof StreamReader || !(expired || source.refusal() != null)) {
        return;
      }
      dropped = true;
    }
    drop();
  }

  /** Ends it, and its call. */
  void drop() {
    synchronized (this) {
      dropped = true;
      taker = null;
      all.remove(this);
      notifyAll();
    }
    source.probe();
    closeIfDropped();
  }

  /** By whichever thread sees last that no other uses the source. */
  private void closeIfDropped() {
    if (dropped && taking.tryLock()) {
      try {
        if (!closed) {
          closed = true;
          end(Delivery.End.CLIENT_CLOSED);
          source.close();
          lease.close();
        }
      } finally {
        taking.unlock();
      }
    }
  }

  /** Nothing more will come; on the thread that takes. */
  private void end(Delivery.End how) {
    Consumer<Delivery.End> due;
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
      due = whenOver;
    }
    lease.clear();
    if (due != null) {
      // This thread may be interrupted.
      Thread.ofVirtual().name("stream-over").start(() -> due.accept(how));
    }
  }

  /** Keeps the next event of the source; returns a comment instead where there is one. */
  private byte @Nullable [] take(Object who) throws IOException, InterruptedException {
    taking.lockInterruptibly();
    try {
      if (!mayTake(who)) {
        return null;
      }
      byte[] piece = source.next();
      if (piece == null) {
        end(Delivery.End.COMPLETE);
      } else if (piece[0] == ':') {
        return piece;
      } else if (!keep(piece)) {
        drop();
      }
      return null;
    } catch (IOException | RuntimeException broken) {
      end(Delivery.End.ABORTED);
      throw broken;
    } finally {
      taking.unlock();
      closeIfDropped();
    }
  }

  private synchronized boolean mayTake(Object who) {
    return who.equals(taker) && !over;
  }

  /** Keeps the next event; false where there is no room for it and nobody who reads it. */
  private synchronized boolean keep(byte[] piece) {
    byte[] event = events.numbered(piece);
    if (resumable && !dropped) {
      boolean kept = hasRoom(event);
      while (!kept && events.first() <= read()) {
        all.give(this, events.forgetUpTo(events.first()));
        kept = hasRoom(event);
      }
      if (!kept) {
        forget();
      }
    }
    events.add(event);
    return resumable || taker instanceof StreamReader;
  }

  /** Without a reader it waits for room of its own before an event is taken. */
  private boolean hasRoom(byte[] event) {
    boolean isRead = taker instanceof StreamReader;
    return (!isRead || events.bytes() < MAX_BYTES) && all.take(this, event.length);
  }

  /** The number of the last event that the reader has; 0 without one. */
  private int read() {
    return taker instanceof StreamReader reader ? reader.read() : 0;
  }

  /** Goes on without a reader until it has as much as it may keep. */
  private void goOn(Object rest) {
    try {
      while (awaitsMore(rest)) {
        byte[] _ = take(rest);
      }
    } catch (IOException broken) {
      // A reader that comes gets what there is.
    } catch (InterruptedException stopping) {
      drop();
    }
  }

  private synchronized boolean awaitsMore(Object rest) throws InterruptedException {
    while (rest.equals(taker) && events.bytes() >= MAX_BYTES) {
      wait();
    }
    return mayTake(rest);
  }

  /** A reader leaves; says whether what is due at the end of its reply is due later. */
  boolean leave(StreamReader reader, Consumer<Delivery.End> whenEnded) {
    boolean goesOn;
    boolean ends;
    synchronized (this) {
      boolean wasRead = reader.equals(taker);
      boolean stays = wasRead && reader.read() > 0 && resumable && all.leave(this);
      ends = wasRead && !stays;
      goesOn = reader.begins() && !over && !ends;
      whenOver = goesOn ? whenEnded : whenOver;
      if (stays) {
        goOnUnread();
      }
    }
    if (ends) {
      drop();
    }
    return goesOn;
  }

  private void goOnUnread() {
    leftAt = all.now();
    Object rest = new Object();
    taker = rest;
    if (!over) {
      Thread.ofVirtual().name("kept-stream").start(() -> goOn(rest));
    }
  }

  /** The next piece for a reader; null at the end. */
  byte @Nullable [] next(StreamReader reader) throws IOException, InterruptedException {
    while (true) {
      synchronized (this) {
        if (!reader.equals(taker)) {
          throw new IOException("another request goes on with this stream");
        }
        byte[] event = events.get(reader.read() + 1);
        if (event != null) {
          reader.reads();
          if (!resumable) {
            long _ = events.forgetUpTo(reader.read());
          }
          return event;
        }
        if (over) {
          return null;
        }
      }
      byte[] comment = take(reader);
      if (comment != null) {
        return comment;
      }
    }
  }
}
