package luki.gateway.websocket;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import luki.gateway.http.Body;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Method;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.json.Json;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import luki.websocket.MessageWriter;
import org.jspecify.annotations.Nullable;

/** One chat on a WebSocket: a request to the chat stream, whose events become messages. */
final class Chat {
  private static final String TARGET = "/v1/chat/stream";
  private static final Fields JSON =
      Fields.of("Content-Type", "application/json", "Accept", "text/event-stream");

  private static final byte[] CANCELLED =
      "{\"cancelled\":true}".getBytes(StandardCharsets.US_ASCII);

  private final String id;
  private final MessageWriter to;
  private final Runnable ended;
  private long bytes;
  private boolean last;
  private volatile boolean cancelled;
  private @Nullable Thread calling;
  private Body.@Nullable Source source;

  /**
   * A chat that is to be run.
   *
   * @param ended run before its last message is sent: then the client may use the id again
   */
  Chat(String id, MessageWriter to, Runnable ended) {
    this.id = id;
    this.to = to;
    this.ended = ended;
  }

  /** Ends it soon, from any thread. */
  synchronized void cancel() {
    cancelled = true;
    if (source != null) {
      // An interrupt would close the connection where its thread writes.
      source.probe();
    } else if (calling != null) {
      calling.interrupt();
    }
  }

  /** Lets it see at once what ends streams. */
  synchronized void look() {
    if (source != null) {
      source.probe();
    }
  }

  /** Whether the call may be made: from now on it can be interrupted. */
  private synchronized boolean calls() {
    calling = cancelled ? null : Thread.currentThread();
    return !cancelled;
  }

  /** The call was made: from now on its thread writes. */
  private synchronized void called(Response response) {
    calling = null;
    boolean _ = Thread.interrupted();
    source = response.body() instanceof Body.Stream stream ? stream.source() : null;
  }

  void run(Dispatcher gateway, Request handshake, byte[] body, ByteBudget.Lease memory) {
    if (!calls()) {
      try {
        sendLast(message("done", id, CANCELLED));
      } catch (IOException gone) {
        // The socket's own thread ends it.
      }
      return;
    }
    Response response =
        gateway.dispatch(
            handshake.forSameCaller(Method.POST, Query.NONE, JSON, body, () -> {}), TARGET, memory);
    called(response);
    Delivery.End end = Delivery.End.CLIENT_CLOSED;
    ErrorCode failure = null;
    try {
      if (response.body() instanceof Body.Stream stream) {
        failure = stream(stream);
      } else if (!cancelled) {
        sendLast(message("error", id, Body.bytesOf(response.body())));
      }
      if (cancelled) {
        sendLast(message("done", id, CANCELLED));
      } else {
        end = Delivery.End.COMPLETE;
      }
    } catch (IOException gone) {
      // The socket's own thread ends it.
    } catch (InterruptedException stopping) {
      end = Delivery.End.ABORTED;
    } finally {
      response.onComplete().accept(new Delivery(end, response.status(), bytes, failure));
    }
  }

  private @Nullable ErrorCode stream(Body.Stream stream) throws IOException, InterruptedException {
    try (Body.Source events = stream.source()) {
      byte[] event = cancelled ? null : events.next();
      while (event != null && !cancelled) {
        send(event);
        event = events.next();
      }
      return events.failure();
    }
  }

  /** Sends an event of the stream as a message; a comment is none. */
  private void send(byte[] event) throws IOException {
    String text = new String(event, StandardCharsets.UTF_8);
    int data = text.indexOf("data: ");
    if (data < 0) {
      return;
    }
    byte[] json = text.substring(data + "data: ".length()).strip().getBytes(StandardCharsets.UTF_8);
    if (text.startsWith("event: ")) {
      sendLast(message(text.substring("event: ".length(), text.indexOf('\n')), id, json));
    } else {
      write(message("token", id, json));
    }
  }

  /** Sends what ends the chat, once. */
  private void sendLast(byte[] message) throws IOException {
    if (!last) {
      last = true;
      ended.run();
      write(message);
    }
  }

  private void write(byte[] message) throws IOException {
    to.text(message);
    bytes += message.length;
  }

  /** {@code {"type", "id"}} with the members of a JSON object behind them. */
  static byte[] message(String type, String id, byte[] object) {
    Json.Builder head = Json.object().put("type", type);
    byte[] first = (id.isEmpty() ? head : head.put("id", id)).build().bytes();
    if (object.length <= 2) {
      return first;
    }
    byte[] message = Arrays.copyOf(first, first.length + object.length - 1);
    message[first.length - 1] = ',';
    System.arraycopy(object, 1, message, first.length, object.length - 1);
    return message;
  }
}
