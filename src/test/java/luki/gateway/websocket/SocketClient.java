package luki.gateway.websocket;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;

/** The JDK's WebSocket client: its messages in a queue. */
public final class SocketClient implements WebSocket.Listener, AutoCloseable {
  private static final long PATIENCE_SECONDS = 15;
  private static final long LOOK_MILLIS = 20;

  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final CompletableFuture<Integer> closed = new CompletableFuture<>();
  private final StringBuilder text = new StringBuilder();
  private WebSocket socket;

  /** Opens a socket with pairs of header names and values, and these subprotocols. */
  static SocketClient open(TestGateway gateway, String[] protocols, String... headers)
      throws Exception {
    return open(gateway, "", protocols, headers);
  }

  static SocketClient open(TestGateway gateway, String query, String[] protocols, String... headers)
      throws Exception {
    URI target = URI.create("ws://127.0.0.1:" + gateway.port() + "/v1/chat/ws" + query);
    return open(Client.http(), target, protocols, headers);
  }

  /** Opens a socket at this address. */
  public static SocketClient open(
      HttpClient http, URI target, String[] protocols, String... headers) throws Exception {
    SocketClient client = new SocketClient();
    WebSocket.Builder builder = http.newWebSocketBuilder();
    for (int i = 0; i < headers.length; i += 2) {
      builder.header(headers[i], headers[i + 1]);
    }
    if (protocols.length > 0) {
      String[] rest = new String[protocols.length - 1];
      System.arraycopy(protocols, 1, rest, 0, rest.length);
      builder.subprotocols(protocols[0], rest);
    }
    client.socket = builder.buildAsync(target, client).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    return client;
  }

  static SocketClient withKey(TestGateway gateway, String key) throws Exception {
    return open(gateway, new String[0], "Authorization", "Bearer " + key);
  }

  public void send(String json) throws Exception {
    socket.sendText(json, true).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  void sendBinary(byte[] bytes) throws Exception {
    socket.sendBinary(ByteBuffer.wrap(bytes), true).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  public void sendClose() throws Exception {
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  /** Says something for maria_k. */
  void chat(String id) throws Exception {
    send(
        "{\"type\":\"chat\",\"id\":\"%s\",\"user_id\":\"maria_k\",\"message\":\"Hi\"}"
            .formatted(id));
  }

  String protocol() {
    return socket.getSubprotocol();
  }

  /** The next message. */
  Json next() throws InterruptedException, InvalidJson {
    String message = messages.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (message == null) {
      throw new AssertionError("no message; closed: " + closed);
    }
    return Json.parseReply(message);
  }

  /** The next message, or null once it is closed and there is none. */
  public Json nextOrNull() throws InterruptedException, InvalidJson {
    while (true) {
      boolean last = closed.isDone();
      String message = messages.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      if (message != null) {
        return Json.parseReply(message);
      }
      if (last) {
        return null;
      }
    }
  }

  /** Waits for the code that the server closes with. */
  public int closeCode() throws Exception {
    return closed.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
    text.append(data);
    if (last) {
      messages.add(text.toString());
      text.setLength(0);
    }
    from.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
    closed.complete(code);
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable error) {
    closed.completeExceptionally(error);
  }

  /** Closes the connection without a close frame. */
  void leave() {
    socket.abort();
  }

  @Override
  public void close() {
    leave();
  }
}
