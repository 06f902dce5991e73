package luki.edge;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import luki.http1.BlockInput;
import luki.http1.Latin1;
import org.jspecify.annotations.Nullable;

/**
 * The input of a connection, which notices that the client leaves while a handler works. Where that
 * takes long, a thread reads ahead and keeps what comes for the next request. A reset interrupts
 * the handler. The end of the client's sending alone may be a half-close, so from then on something
 * is written now and then: a client that has left answers it with a reset, and the next write
 * fails.
 */
final class PeerWatch extends BlockInput implements Runnable {
  /** A handler that is faster than this costs no thread. */
  private static final long FAST_NANOS = 30_000_000;

  private static final long QUESTION_INTERVAL_NANOS = 300_000_000;

  /** A client that sends more than that ahead is watched no further. */
  private static final int MAX_AHEAD = 512;

  private static final int NOTHING = -2;
  private static final byte[] PROCESSING = Latin1.bytes("HTTP/1.1 102 Processing\r\n\r\n");

  private final InputStream in;
  private final SocketOutput out;
  private volatile @Nullable Reply watched;
  private volatile boolean running;
  private volatile boolean asking;
  private volatile boolean gone;
  private @Nullable Thread handler;
  private volatile @Nullable Runnable question;
  // What was read ahead. The thread that reads fills it from `to` on.
  private byte @Nullable [] ahead;
  private int from;
  private int to;
  private boolean reading;
  private State state = State.OPEN;

  private enum State {
    OPEN,
    ENDED,
    BROKEN
  }

  PeerWatch(InputStream in, SocketOutput out) {
    this.in = in;
    this.out = out;
  }

  /** The calling thread is interrupted if the client leaves before {@link #end}. */
  void begin(Reply reply) {
    handler = Thread.currentThread();
    watched = reply;
  }

  /** What writes something to the client, where the reply has begun and is a stream. */
  void askBy(Runnable write) {
    question = write;
  }

  /** The exchange has ended: its thread is not interrupted any more. */
  void end() {
    if (watched != null) {
      synchronized (this) {
        watched = null;
        question = null;
      }
    }
  }

  boolean isGone() {
    return gone;
  }

  synchronized boolean hasReadAhead() {
    return from < to;
  }

  /** By the sweeper: begins to read ahead where the handler takes long. */
  void sweep(long now, long receivedAt) {
    if (watched == null || running || now - receivedAt < FAST_NANOS) {
      return;
    }
    synchronized (this) {
      if (watched != null && !running && (state != State.OPEN || to < MAX_AHEAD)) {
        running = true;
        if (ahead == null) {
          ahead = new byte[MAX_AHEAD];
        }
        Thread.ofVirtual().name("edge-watch").start(this);
      }
    }
  }

  @Override
  public void run() {
    readAhead();
    while (mayHaveLeft()) {
      ask();
      LockSupport.parkNanos(QUESTION_INTERVAL_NANOS);
    }
  }

  private void readAhead() {
    byte[] into = ahead;
    while (into != null && beginsReading()) {
      try {
        int n = in.read(into, to, into.length - to);
        read(Math.max(0, n), n < 0 ? State.ENDED : State.OPEN);
      } catch (IOException _) {
        read(0, State.BROKEN);
      }
    }
  }

  private synchronized boolean beginsReading() {
    reading = watched != null && state == State.OPEN && to < MAX_AHEAD;
    return reading;
  }

  private synchronized void read(int count, State now) {
    to += count;
    state = now;
    reading = false;
    if (now == State.BROKEN) {
      peerLeft();
    }
    notifyAll();
  }

  private synchronized void peerLeft() {
    if (watched != null) {
      gone = true;
      interruptHandler();
    }
  }

  /** What the handler waits for ends; it may still reply. */
  synchronized void interruptHandler() {
    Thread interrupted = handler;
    if (watched != null && interrupted != null) {
      interrupted.interrupt();
    }
  }

  /** Whether the client has ended its sending and a handler works; else this thread is done. */
  private synchronized boolean mayHaveLeft() {
    running = watched != null && !gone && state == State.ENDED;
    return running;
  }

  private void ask() {
    Reply reply = watched;
    Runnable write = question;
    if (reply == null) {
      return;
    }
    if (reply.state() == Reply.State.UNBEGUN && reply.isHttp11()) {
      sendProcessing(reply);
    } else if (reply.state() == Reply.State.BEGUN && write != null) {
      write.run();
    }
  }

  /** RFC 2518 §10.1: an interim reply for as long as the final one takes. */
  private void sendProcessing(Reply reply) {
    // Set before the state is read, as the reply sets its state before it reads this.
    asking = true;
    try {
      if (reply.state() == Reply.State.UNBEGUN) {
        out.write(PROCESSING, 0, PROCESSING.length);
      }
    } catch (IOException _) {
      peerLeft();
    } finally {
      synchronized (this) {
        asking = false;
        notifyAll();
      }
    }
  }

  /** The head of the reply is about to be written: no interim reply may be part of it. */
  void awaitQuestion() throws IOException {
    if (asking) {
      awaitWhile(() -> asking);
    }
  }

  /** What was read ahead first, then the stream. */
  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    byte[] kept = ahead;
    int n = kept == null ? NOTHING : readKept(kept, into, offset, length);
    return n == NOTHING ? in.read(into, offset, length) : n;
  }

  private synchronized int readKept(byte[] kept, byte[] into, int offset, int length)
      throws IOException {
    awaitWhile(() -> from == to && reading);
    if (from < to) {
      int n = Math.min(length, to - from);
      System.arraycopy(kept, from, into, offset, n);
      from += n;
      if (from == to && !reading) {
        from = 0;
        to = 0;
      }
      return n;
    }
    return switch (state) {
      case OPEN -> NOTHING;
      case ENDED -> -1;
      case BROKEN -> throw new SocketException("Connection reset");
    };
  }

  private synchronized void awaitWhile(BooleanSupplier condition) throws IOException {
    try {
      while (condition.getAsBoolean()) {
        wait();
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("stopped");
    }
  }
}
