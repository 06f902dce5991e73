package luki.gateway.websocket;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.consent.AccessWatch;
import luki.gateway.http.ApiError;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Lifecycle;
import luki.http1.ByteBudget;
import luki.websocket.CloseCode;
import luki.websocket.MessageReader;
import luki.websocket.MessageReader.BrokenRule;
import luki.websocket.MessageWriter;

/** One WebSocket: its thread reads what the client sends, each chat has a thread of its own. */
final class ChatSocket {
  private static final Duration PING_INTERVAL = Duration.ofSeconds(20);
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(45);

  /** For chats that the grace does not wait for to send their error. */
  private static final Duration LAST_MESSAGES = Duration.ofMillis(250);

  /** For the client to answer a close frame. */
  private static final Duration CLOSE_TIME = Duration.ofSeconds(2);

  private static final int MAX_CHATS = 8;

  /** With those whose last message waits for a client that does not read. */
  private static final int MAX_THREADS = 2 * MAX_CHATS;

  private static final int MAX_ID_LENGTH = 64;

  /** Messages that are no chat cost their sender nothing, so there is an end to them. */
  private static final int MAX_INVALID = 100;

  private final ChatSockets sockets;
  private final Exchange handshake;
  private final Dispatcher gateway;
  private final Map<String, Chat> chats = new ConcurrentHashMap<>();
  // Until the last message of a chat is sent, when its id is free already.
  private final AtomicInteger running = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final MessageReader from;
  private final MessageWriter to;
  private final ByteBudget.Lease memory;
  // An interrupt closes the connection that it reads from.
  private final Thread reader = Thread.currentThread();
  private volatile long heard = System.nanoTime();
  private volatile long pinged = System.nanoTime();
  private volatile long closing;
  private long ending;
  private int invalid;

  /** After the handshake, on the connection's thread. */
  ChatSocket(ChatSockets sockets, Exchange handshake, InputStream in, OutputStream out) {
    this.sockets = sockets;
    this.handshake = handshake;
    this.gateway = Objects.requireNonNull(sockets.dispatcher, "not started");
    this.memory = sockets.memory.lease();
    this.from = new MessageReader(in, sockets.maxMessageBytes, memory);
    this.to = new MessageWriter(out);
  }

  /** Runs until the connection is to be closed. */
  void run() throws IOException {
    AccessWatch.Grant grant =
        sockets.access.begin(
            handshake,
            false,
            () -> threads.execute(() -> close(CloseCode.POLICY, "the credential has ended")));
    sockets.open.add(this);
    memory.heldBy(handshake.principal().limitedAs());
    try (memory) {
      serve();
    } catch (BrokenRule broken) {
      to.close(broken.code(), String.valueOf(broken.getMessage()));
    } catch (EOFException left) {
      // Without a close frame.
    } finally {
      sockets.open.remove(this);
      grant.close();
      chats.values().forEach(Chat::cancel);
      threads.close();
    }
  }

  private void serve() throws IOException {
    while (true) {
      MessageReader.Kind kind = from.next();
      heard = System.nanoTime();
      switch (kind) {
        case PING -> to.pong(from.payload());
        case PONG -> {}
        case CLOSE -> {
          to.close(from.code(), "");
          return;
        }
        case BINARY -> close(CloseCode.UNSUPPORTED_DATA, "texts only");
        case TEXT -> {
          if (!to.isClosed()) {
            received(from.payload());
          }
        }
      }
      from.release();
    }
  }

  /** Takes room for the values of the message, of which only a chat's body stays, as bytes. */
  private void received(byte[] utf8) throws IOException {
    long needed = utf8.length + Json.memoryOf(utf8);
    if (!memory.tryTake(needed)) {
      refuse("", ApiError.retrySoon(ErrorCode.OVERLOADED));
      return;
    }
    try {
      received(Json.parse(utf8));
    } catch (InvalidJson bad) {
      refuse("", ApiError.invalid(bad.violation().pointer(), bad.violation().rule()));
    } finally {
      memory.give(needed);
    }
  }

  private void received(Json message) throws IOException {
    String id = message.at("id").string("");
    String type = message.at("type").string("");
    if (id.isEmpty() || id.length() > MAX_ID_LENGTH) {
      refuse("", ApiError.invalid("/id", "length"));
    } else if (type.equals("cancel")) {
      Chat chat = chats.get(id);
      if (chat != null) {
        chat.cancel();
      }
    } else if (type.equals("chat")) {
      begin(id, message.toBuilder().remove("type").remove("id").build().bytes());
    } else {
      refuse(id, ApiError.invalid("/type", "enum"));
    }
  }

  private void begin(String id, byte[] body) throws IOException {
    ByteBudget.Lease room = sockets.memory.lease();
    room.heldBy(handshake.principal().limitedAs());
    if (chats.containsKey(id)) {
      refuse(id, ApiError.invalid("/id", "in_use"));
    } else if (chats.size() >= MAX_CHATS
        || running.get() >= MAX_THREADS
        || !room.tryTake(body.length)) {
      refuse(id, ApiError.retrySoon(ErrorCode.OVERLOADED));
    } else {
      Chat chat = new Chat(id, to, () -> chats.remove(id));
      chats.put(id, chat);
      int _ = running.incrementAndGet();
      threads.execute(
          () -> {
            try (room) {
              chat.run(gateway, handshake.request(), body, room);
            } finally {
              chats.remove(id, chat);
              int _ = running.decrementAndGet();
            }
          });
    }
  }

  private void refuse(String id, ApiError error) throws IOException {
    invalid++;
    if (invalid > MAX_INVALID) {
      close(CloseCode.POLICY, "too many invalid messages");
      return;
    }
    Json envelope = ErrorReply.envelope(error, handshake.trace().traceId());
    to.text(Chat.message("error", id, envelope.bytes()));
  }

  /** Ends it from any thread: the client has a moment to answer. */
  private void close(int code, String reason) {
    if (to.isClosed()) {
      return;
    }
    closing = System.nanoTime();
    try {
      to.close(code, reason);
    } catch (IOException gone) {
      reader.interrupt();
    }
  }

  /** By the task of all sockets, which must not wait for one client. */
  void check(long now) {
    if (closing != 0) {
      if (now - closing > CLOSE_TIME.toNanos()) {
        reader.interrupt();
      }
    } else if (now - heard > LONGEST_SILENCE.toNanos()) {
      reader.interrupt();
    } else if (mustClose(now)) {
      closing = now;
      Thread.startVirtualThread(() -> close(CloseCode.GOING_AWAY, "shutting down"));
    } else if (now - pinged > PING_INTERVAL.toNanos()) {
      pinged = now;
      Thread.startVirtualThread(this::ping);
    }
  }

  /** In a drain, once the last message of each chat is sent. */
  private boolean mustClose(long now) {
    Lifecycle lifecycle = sockets.lifecycle;
    boolean isOver = lifecycle.streamsMustEnd();
    if (isOver && ending == 0) {
      ending = now;
      chats.values().forEach(Chat::look);
    }
    // The phase first: what was admitted before is counted by then.
    boolean drains = isOver || lifecycle.phase() == Lifecycle.Phase.DRAINING;
    return drains && (running.get() == 0 || (isOver && now - ending > LAST_MESSAGES.toNanos()));
  }

  private void ping() {
    try {
      to.ping();
    } catch (IOException gone) {
      reader.interrupt();
    }
  }
}
