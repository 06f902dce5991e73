package luki.gateway.resume;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
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
 * A stream that keeps its last events. One thread takes events from its source, as many as it may
 * keep, and a reply reads them from here. It has one reader or none until it is dropped.
 */
final class KeptStream {
  /** As much as a service may go on without a client. */
  private static final int MAX_BYTES = 256 * 1024;

  /** What was taken for it; guarded by {@link KeptStreams}. */
  long held;

  final String id;
  final String caller;
  private final KeptStreams all;
  private final Exchange begun;
  private final Body.Source source;
  private final ByteBudget.Lease lease;
  // How its source has ended: no thread takes from that any more.
  final CompletableFuture<Delivery.End> ended = new CompletableFuture<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  // Guarded by this, as all that follows. The first of the events has the number `first`.
  private final List<byte[]> events = new ArrayList<>();
  private int first = 1;
  private long bytes;
  private byte @Nullable [] comment;
  private boolean started;
  private boolean resumable = true;
  private @Nullable Reader reader;
  private long leftAt;

  /** A stream that has begun; the lease is what its call takes in memory. */
  KeptStream(
      KeptStreams all, String id, Exchange begun, Body.Source source, ByteBudget.Lease lease) {
    this.all = all;
    this.id = id;
    this.caller = begun.principal().limitedAs();
    this.begun = begun.carrying(null);
    this.source = source;
    this.lease = lease;
  }

  /** The number of the last event, 0 before the first. */
  private int last() {
    return first + events.size() - 1;
  }

  /** For the client that has asked for it. */
  synchronized Body.Source open() {
    resumable = all.add(this);
    reader = new Reader(0, true);
    return reader;
  }

  /** For a client that has all events up to this number; whoever reads it now is ended. */
  Response resume(Exchange exchange, int after) {
    if (!begun.principal().isSameCaller(exchange.principal())
        || !begun.user().equals(exchange.user())) {
      return KeptStreams.notFound();
    }
    if (source.refusal() != null) {
      // The credential was checked just now.
      drop();
      return Response.refused(ApiError.of(ErrorCode.CONSENT_DENIED));
    }
    synchronized (this) {
      boolean goesOn = resumable && after >= first - 1 && after <= last();
      if (goesOn && ended.isDone() && after == last()) {
        return Response.empty(204);
      }
      if (!goesOn || !all.attach(this)) {
        return KeptStreams.notFound();
      }
      forgetUpTo(after);
      reader = new Reader(after, false);
      notifyAll();
      return new Response(200, Response.EVENT_STREAM, new Body.Stream(reader));
    }
  }

  private void forgetUpTo(int number) {
    while (first <= number) {
      int size = events.removeFirst().length;
      first++;
      bytes -= size;
      if (resumable) {
        all.give(this, size);
      }
    }
  }

  /** From now on it cannot be resumed. */
  private void forget() {
    resumable = false;
    all.remove(this);
  }

  /** Drops it if nobody reads it, and nobody may ask for it any more. */
  void dropIfExpired(boolean now) {
    synchronized (this) {
      boolean expired = now || all.nanos.getAsLong() - leftAt >= KeptStreams.LIFETIME.toNanos();
      if (reader != null || !(expired || source.refusal() != null)) {
        return;
      }
      forget();
    }
    drop();
  }

  /** Ends it, and its call. */
  void drop() {
    synchronized (this) {
      forget();
      reader = null;
      notifyAll();
      if (!started) {
        boolean _ = ended.complete(Delivery.End.CLIENT_CLOSED);
      }
    }
    source.probe();
    Delivery.End _ = ended.join();
    if (!closed.getAndSet(true)) {
      source.close();
      lease.close();
    }
  }

  /** Takes all that comes from the source. */
  private void run() {
    Delivery.End how = Delivery.End.ABORTED;
    try {
      byte[] piece = source.next();
      while (piece != null && keep(piece)) {
        piece = source.next();
      }
      how = piece == null ? Delivery.End.COMPLETE : Delivery.End.CLIENT_CLOSED;
    } catch (IOException | InterruptedException broken) {
      // Its replies are aborted.
    } finally {
      synchronized (this) {
        lease.clear();
        boolean _ = ended.complete(how);
        notifyAll();
      }
    }
    if (how == Delivery.End.CLIENT_CLOSED) {
      drop();
    }
  }

  /** Keeps a piece once there is room; false where nobody can read it. */
  private synchronized boolean keep(byte[] piece) throws InterruptedException {
    if (piece[0] == ':') {
      comment = piece;
    } else {
      byte[] event = numbered(piece);
      awaitRoom(event.length);
      events.add(event);
      bytes += event.length;
    }
    notifyAll();
    return resumable || reader != null;
  }

  /** A slow client slows its service down; without a client it goes on for a while. */
  private void awaitRoom(int size) throws InterruptedException {
    while (reader != null ? reader.read < last() : resumable && bytes >= MAX_BYTES) {
      wait();
    }
    while (resumable && (bytes >= MAX_BYTES || !all.take(this, size))) {
      if (reader != null && reader.read >= first) {
        forgetUpTo(first);
      } else {
        forget();
      }
    }
  }

  /** The next event, with the id that a client resumes by in place of any that it has. */
  private byte[] numbered(byte[] event) {
    String text = new String(event, StandardCharsets.ISO_8859_1);
    int from = text.startsWith("event: ") ? text.indexOf('\n') + 1 : 0;
    int to = text.startsWith("id: ", from) ? text.indexOf('\n', from) + 1 : from;
    String head = text.substring(0, from) + "id: " + id + ":" + (last() + 1) + "\n";
    return (head + text.substring(to)).getBytes(StandardCharsets.ISO_8859_1);
  }

  /** One reply with events of this stream, perhaps that of the request that began it. */
  private final class Reader implements Body.Source {
    private final boolean begins;
    private int read;
    private boolean released;

    private Reader(int read, boolean begins) {
      this.read = read;
      this.begins = begins;
    }

    @Override
    public byte @Nullable [] next() throws IOException, InterruptedException {
      synchronized (KeptStream.this) {
        if (!started && reader == this) {
          started = true;
          Thread.ofVirtual().name("kept-stream").start(KeptStream.this::run);
        }
        while (reader == this && read == last() && comment == null && !ended.isDone()) {
          KeptStream.this.wait();
        }
        if (reader != this) {
          throw new IOException("another request goes on with this stream");
        }
        if (read < last()) {
          read++;
          byte[] event = events.get(read - first);
          if (!resumable) {
            forgetUpTo(read);
          }
          KeptStream.this.notifyAll();
          return event;
        }
        byte[] silence = comment;
        comment = null;
        if (silence == null && ended.join() != Delivery.End.COMPLETE) {
          throw new IOException("the stream broke");
        }
        return silence;
      }
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
      synchronized (KeptStream.this) {
        boolean drops = reader == this && !(read > 0 && resumable && all.leave(KeptStream.this));
        if (!drops) {
          if (reader == this) {
            reader = null;
            leftAt = all.nanos.getAsLong();
            KeptStream.this.notifyAll();
          }
          boolean goesOn = begins && !ended.isDone();
          if (goesOn) {
            var _ = ended.thenAccept(how -> Thread.startVirtualThread(() -> whenOver.accept(how)));
          }
          return goesOn;
        }
      }
      drop();
      return false;
    }

    /** One that was never released was not for a client that can come back. */
    @Override
    public void close() {
      if (!released && begins) {
        drop();
      } else if (!released) {
        boolean _ = release(_ -> {});
      }
    }
  }
}
