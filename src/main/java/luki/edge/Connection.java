package luki.edge;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicReference;
import luki.edge.EdgeServer.ServerContext;
import luki.http1.BadMessage;
import luki.http1.BadMessage.Reason;
import luki.http1.BodyFraming;
import luki.http1.BodyInput;
import luki.http1.ByteBudget;
import luki.http1.InputBuffer;
import luki.http1.IoDeadline;
import luki.http1.Latin1;
import luki.http1.Refusals;
import luki.http1.RequestParser;
import luki.http1.RequestParser.RequestHead;
import org.jspecify.annotations.Nullable;

/**
 * One connection and its thread: idle → busy with an exchange → idle …, until it is closed.
 * Requests are read one after another, so that replies leave in order and a client that sends many
 * at once waits in its own socket.
 */
final class Connection implements Runnable {
  private static final System.Logger LOG = System.getLogger("luki.edge");
  private static final int READ_BUFFER = 2 * 1024;

  /** Unread bytes of a body that are read and dropped rather than the connection closed. */
  static final int MAX_DRAIN_BYTES = 64 * 1024;

  private static final byte[] CONTINUE = Latin1.bytes("HTTP/1.1 100 Continue\r\n\r\n");

  private enum Life {
    IDLE,
    BUSY,
    CLOSED
  }

  private final Socket socket;
  private final ServerContext shared;
  private final IoDeadline reading = new IoDeadline();
  private final IoDeadline writing = new IoDeadline();
  private final SocketInput input;
  private final InputBuffer source;
  private final SocketOutput output;
  private final WriteBuffer out;
  private final RequestParser parser;
  private final ByteBudget.Lease memory;
  private final Thread thread;
  private final AtomicReference<Life> life = new AtomicReference<>(Life.IDLE);
  private long firstByteAt;
  private final PeerWatch watch;

  Connection(Socket socket, ServerContext shared) throws IOException {
    this.socket = socket;
    this.shared = shared;
    this.output = new SocketOutput(socket.getOutputStream(), shared, writing);
    this.watch = new PeerWatch(socket.getInputStream(), output);
    this.input = new SocketInput(watch, shared, reading);
    this.memory = shared.memory().headLease();
    this.source = new InputBuffer(input, READ_BUFFER, memory);
    this.out = new WriteBuffer(output, shared.buffers());
    this.parser = new RequestParser(source, shared.limits().head());
    this.thread = Thread.ofVirtual().name("edge").unstarted(this);
  }

  void start() {
    thread.start();
  }

  @Override
  public void run() {
    try {
      while (becomesBusy() && serve() && rest()) {
        // The next request.
      }
    } catch (IOException _) {
      // The client left, or was too slow.
    } finally {
      life.set(Life.CLOSED);
      memory.close();
      out.drop();
      Sockets.close(socket);
      shared.connections().remove(this, socket.getInetAddress());
    }
  }

  /** Between two requests; whether the next one may follow. */
  private boolean rest() {
    boolean room = source.rest();
    // An interrupt that a handler left would close the socket in the next read.
    boolean _ = Thread.interrupted();
    life.set(Life.IDLE);
    return room;
  }

  /** Waits for the first byte of a request; false when the connection ends without one. */
  private boolean becomesBusy() throws IOException {
    if (source.isEmpty()) {
      if (shared.connections().isStopping()
          || !reading.set(shared.now() + shared.limits().idle().toNanos())
          || !source.fill()) {
        return false;
      }
    }
    return life.compareAndSet(Life.IDLE, Life.BUSY);
  }

  /** Whether another request may follow. */
  private boolean serve() throws IOException {
    RequestHead head;
    firstByteAt = shared.now();
    try {
      boolean inTime = reading.set(firstByteAt + shared.limits().headTime().toNanos());
      head = inTime ? parser.next() : null;
      if (!inTime || !reading.clear()) {
        throw new BadMessage(Reason.TIMEOUT);
      }
    } catch (BadMessage bad) {
      refuse(parser.refused(), bad.reason());
      return false;
    }
    return head != null && exchange(head);
  }

  private boolean exchange(RequestHead head) throws IOException {
    boolean framed = !(head.body() instanceof BodyFraming.None);
    RequestBody requestBody =
        new RequestBody(
            this,
            BodyInput.of(head.body(), source, shared.limits().head()),
            framed && head.http11() && head.fields().has("Expect"));
    if (framed) {
      input.beginBody();
    }
    boolean closes = !head.fields().keepAlive(head.http11());
    Reply reply = new Reply(this, head, requestBody, closes);
    EdgeExchange exchange = new EdgeExchange(this, head, reply);
    return ended(head, reply, exchange.handle());
  }

  /** Decides how the connection continues after the handler returned. */
  private boolean ended(RequestHead head, Reply reply, @Nullable Throwable failure)
      throws IOException {
    watch.end();
    switch (reply.state()) {
      case UNBEGUN -> failed(head, reply.requestBody().failure(), failure);
      case BEGUN -> reply.abort();
      case COMPLETE -> {
        return wasComplete(reply);
      }
      case ABORTED -> {
        // Closed, or about to be.
      }
    }
    return false;
  }

  private void failed(RequestHead head, @Nullable BadMessage bad, @Nullable Throwable failure)
      throws IOException {
    if (bad != null) {
      refuse(head, bad.reason());
    } else if (!input.hasFailed() && !isGone()) {
      LOG.log(System.Logger.Level.WARNING, "the handler did not reply", failure);
      refuse(head, Reason.FAILED);
    }
  }

  private boolean wasComplete(Reply reply) throws IOException {
    input.endBody();
    RequestBody unread = reply.requestBody();
    if (!unread.isEnded()) {
      // The rest is not needed: one deadline for all of it, where a body that is read has a pace.
      boolean inTime = reading.set(shared.now() + shared.limits().bodyTime().toNanos());
      if (reply.closes() || !inTime || !unread.drain(MAX_DRAIN_BYTES)) {
        linger();
        return false;
      }
    }
    if (reply.closes() && (!source.isEmpty() || watch.hasReadAhead())) {
      linger();
    }
    return !reply.closes();
  }

  /** Lets the refusals answer, on an exchange that has what was read of the head and no body. */
  private void refuse(RequestHead head, Reason reason) throws IOException {
    input.endBody();
    // What a handler wrote before it failed must not be part of the reply.
    out.drop();
    BodyInput nothing = BodyInput.of(BodyFraming.NONE, source, shared.limits().head());
    RequestBody body = new RequestBody(this, nothing, false);
    Reply reply = new Reply(this, head, body, true);
    EdgeExchange exchange = new EdgeExchange(this, head, reply);
    try {
      shared.refusals().handle(exchange, reason);
    } catch (IOException | RuntimeException failure) {
      LOG.log(System.Logger.Level.WARNING, "a refused message was not answered", failure);
    }
    if (reply.state() == Reply.State.UNBEGUN) {
      Refusals.BARE.handle(exchange, reason);
    }
    if (reply.state() != Reply.State.COMPLETE) {
      reply.abort();
    } else {
      linger();
    }
  }

  private void linger() throws IOException {
    Sockets.linger(socket, source, reading, shared.now());
  }

  void readBodyBy(long nanos) {
    input.endBy(nanos);
  }

  void sendContinue() throws IOException {
    output.write(CONTINUE, 0, CONTINUE.length);
  }

  /** Everything that comes after the request. */
  BodyInput untilClose() {
    return BodyInput.of(BodyFraming.UNTIL_CLOSE, source, shared.limits().head());
  }

  PeerWatch watch() {
    return watch;
  }

  boolean isGone() {
    return output.hasFailed() || watch.isGone();
  }

  /** When the request's first byte arrived. */
  long firstByteAt() {
    return firstByteAt;
  }

  WriteBuffer out() {
    return out;
  }

  ServerContext shared() {
    return shared;
  }

  InetSocketAddress remoteAddress() {
    return (InetSocketAddress) socket.getRemoteSocketAddress();
  }

  InetSocketAddress localAddress() {
    return (InetSocketAddress) socket.getLocalSocketAddress();
  }

  /** Closes at once; with a reset where a plain close would look like the end of the reply. */
  void drop(boolean asReset) {
    if (asReset) {
      Sockets.reset(socket);
    } else {
      Sockets.close(socket);
    }
  }

  /** By the sweeper. */
  void sweep(long now) {
    watch.sweep(now, firstByteAt);
    if (reading.expire(now)) {
      Sockets.shutdownInput(socket);
    }
    if (writing.expire(now)) {
      Sockets.close(socket);
    }
  }

  void closeIfIdle() {
    if (life.compareAndSet(Life.IDLE, Life.CLOSED)) {
      Sockets.close(socket);
    }
  }

  /** At the end of a stop: closes the connection in any state. */
  void abort() {
    watch.end();
    Sockets.close(socket);
    thread.interrupt();
  }
}
