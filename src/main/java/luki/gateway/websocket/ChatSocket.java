package luki.gateway.websocket;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import luki.gateway.consent.AccessWatch;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Lifecycle;
import luki.http1.ByteBudget;
import luki.websocket.CloseCode;
import luki.websocket.Message;
import luki.websocket.MessageReader;
import luki.websocket.MessageWriter;
import luki.websocket.WebSocketException;
import org.jspecify.annotations.Nullable;

/** One WebSocket: its thread reads what the client sends, each chat has a thread of its own. */
final class ChatSocket implements Body.Session {
  private static final Duration PING_INTERVAL = Duration.ofSeconds(20);
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(45);

  /** For the client to answer a close frame. */
  private static final Duration CLOSE_TIME = Duration.ofSeconds(2);

  private static final int MAX_CHATS = 8;
  private static final int MAX_ID_LENGTH = 64;

  /** Messages that are no chat cost their sender nothing, so there is an end to them. */
  private static final int MAX_INVALID = 100;

  private final ChatSockets sockets;
  private final Exchange handshake;
  private final Dispatcher gateway;
  private final Map<String, Chat> chats = new ConcurrentHashMap<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private @Nullable MessageWriter writer;
  private @Nullable Thread reader;
  private volatile long heard = System.nanoTime();
  private volatile long pinged = System.nanoTime();
  private volatile long closing;
  private int invalid;

  ChatSocket(ChatSockets sockets, Exchange handshake, Dispatcher gateway) {
    this.sockets = sockets;
    this.handshake = handshake;
    this.gateway = gateway;
  }

  @Override
  public void run(InputStream in, OutputStream out) throws IOException {
    MessageWriter to = new MessageWriter(out);
    writer = to;
    reader = Thread.currentThread();
    AccessWatch.Grant grant =
        sockets
            .access()
            .begin(
                handshake,
                false,
                () -> threads.execute(() -> close(CloseCode.POLICY, "the credential has ended")));
    sockets.add(this);
    try (ByteBudget.Lease memory = sockets.memory().lease()) {
      memory.heldBy(handshake.principal().limitedAs());
      serve(new MessageReader(in, sockets.maxMessageBytes(), memory), to);
    } catch (WebSocketException broken) {
      to.close(broken.code().code(), broken.rule());
    } catch (EOFException left) {
      // Without a close frame.
    } finally {
      sockets.remove(this);
      grant.close();
      chats.values().forEach(Chat::cancel);
      threads.close();
    }
  }

  private void serve(MessageReader from, MessageWriter to) throws IOException {
    while (true) {
      Message message = from.next();
      heard = System.nanoTime();
      switch (message.kind()) {
        case PING -> to.pong(message.payload());
        case PONG -> {}
        case CLOSE -> {
          int code = message.code();
          to.close(code == Message.NO_CODE ? CloseCode.NORMAL.code() : code, "");
          return;
        }
        case BINARY -> to.close(CloseCode.UNSUPPORTED_DATA.code(), "texts only");
        case TEXT -> {
          if (!to.isClosed()) {
            received(message.payload(), to);
          }
        }
      }
      from.release();
    }
  }

  private void received(byte[] utf8, MessageWriter to) throws IOException {
    Json message;
    try {
      message = Json.parse(utf8);
    } catch (InvalidJson bad) {
      refuse("", ApiError.invalid(bad.pointer(), bad.rule()), to);
      return;
    }
    String id = message.at("id").string("");
    String type = message.at("type").string("");
    if (id.isEmpty() || id.length() > MAX_ID_LENGTH) {
      refuse("", ApiError.invalid("/id", "length"), to);
    } else if (type.equals("cancel")) {
      Chat chat = chats.get(id);
      if (chat != null) {
        chat.cancel();
      }
    } else if (type.equals("chat")) {
      begin(id, message.toBuilder().remove("type").remove("id").build(), to);
    } else {
      refuse(id, ApiError.invalid("/type", "enum"), to);
    }
  }

  private void begin(String id, Json body, MessageWriter to) throws IOException {
    if (chats.containsKey(id)) {
      refuse(id, ApiError.invalid("/id", "in_use"), to);
    } else if (chats.size() >= MAX_CHATS) {
      refuse(id, ApiError.retrySoon(ErrorCode.OVERLOADED), to);
    } else {
      Chat chat = new Chat(id, to, () -> chats.remove(id));
      chats.put(id, chat);
      threads.execute(
          () -> {
            try (ByteBudget.Lease memory = sockets.memory().lease()) {
              chat.run(gateway, handshake.request(), body, memory);
            } finally {
              chats.remove(id, chat);
            }
          });
    }
  }

  private void refuse(String id, ApiError error, MessageWriter to) throws IOException {
    invalid++;
    if (invalid > MAX_INVALID) {
      close(CloseCode.POLICY, "too many invalid messages");
      return;
    }
    Json envelope = ErrorReply.envelope(error, handshake.trace().traceId());
    to.text(Chat.message("error", id, envelope.bytes()));
  }

  /** Ends it from any thread: the client has a moment to answer. */
  private void close(CloseCode code, String reason) {
    MessageWriter to = writer;
    if (to == null || to.isClosed()) {
      return;
    }
    closing = System.nanoTime();
    try {
      to.close(code.code(), reason);
    } catch (IOException gone) {
      abort();
    }
  }

  private void abort() {
    Thread blocked = reader;
    if (blocked != null) {
      // Closes the connection that it reads from.
      blocked.interrupt();
    }
  }

  /** By the task of all sockets, which must not wait for one client. */
  void check(long now) {
    if (closing != 0) {
      if (now - closing > CLOSE_TIME.toNanos()) {
        abort();
      }
    } else if (now - heard > LONGEST_SILENCE.toNanos()) {
      abort();
    } else if (mustEnd()) {
      closing = now;
      execute(() -> close(CloseCode.GOING_AWAY, "shutting down"));
    } else if (now - pinged > PING_INTERVAL.toNanos()) {
      pinged = now;
      execute(this::ping);
    }
  }

  private boolean mustEnd() {
    Lifecycle lifecycle = sockets.lifecycle();
    return lifecycle.streamsMustEnd()
        || (lifecycle.phase() == Lifecycle.Phase.DRAINING && chats.isEmpty());
  }

  private void execute(Runnable write) {
    Thread.ofVirtual().name("chat-socket").start(write);
  }

  private void ping() {
    try {
      MessageWriter to = writer;
      if (to != null) {
        to.ping();
      }
    } catch (IOException gone) {
      abort();
    }
  }
}
