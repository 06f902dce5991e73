package luki.gateway.websocket;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import luki.gateway.consent.AccessWatch;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.Exchange;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Periodic;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** The open WebSockets. One task looks after all of them: pings, silence, and the drain. */
public final class ChatSockets implements AutoCloseable {
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(250);

  private final Lifecycle lifecycle;
  private final AccessWatch access;
  private final ByteBudget memory;
  private final int maxMessageBytes;
  private final Set<ChatSocket> open = ConcurrentHashMap.newKeySet();
  private volatile @Nullable Dispatcher dispatcher;
  private @Nullable Periodic checks;

  /**
   * Creates it; no socket is served before {@link #start}.
   *
   * @param maxMessageBytes of what a client sends at once
   */
  public ChatSockets(
      Lifecycle lifecycle, AccessWatch access, ByteBudget memory, int maxMessageBytes) {
    this.lifecycle = lifecycle;
    this.access = access;
    this.memory = memory;
    this.maxMessageBytes = maxMessageBytes;
  }

  /** From now on messages become requests to this gateway. */
  public void start(Dispatcher gateway) {
    dispatcher = gateway;
    checks = new Periodic("chat-sockets", this::check);
  }

  private Duration check() {
    long now = System.nanoTime();
    open.forEach(socket -> socket.check(now));
    return CHECK_INTERVAL;
  }

  /** A socket that is to be served after the handshake. */
  ChatSocket socket(Exchange handshake) {
    Dispatcher gateway = dispatcher;
    if (gateway == null) {
      throw new IllegalStateException("not started");
    }
    return new ChatSocket(this, handshake, gateway);
  }

  void add(ChatSocket socket) {
    open.add(socket);
  }

  void remove(ChatSocket socket) {
    open.remove(socket);
  }

  Lifecycle lifecycle() {
    return lifecycle;
  }

  AccessWatch access() {
    return access;
  }

  ByteBudget memory() {
    return memory;
  }

  int maxMessageBytes() {
    return maxMessageBytes;
  }

  @Override
  public void close() {
    if (checks != null) {
      checks.close();
    }
  }
}
