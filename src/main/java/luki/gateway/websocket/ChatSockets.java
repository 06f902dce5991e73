package luki.gateway.websocket;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import luki.gateway.consent.AccessWatch;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.Response;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Periodic;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import luki.websocket.Handshake;
import org.jspecify.annotations.Nullable;

/** The open WebSockets. One task looks after all of them: pings, silence, and the drain. */
public final class ChatSockets implements AutoCloseable {
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(250);

  /** With the shortest grace, streams have half a second for their end. */
  private static final Duration DRAIN_INTERVAL = Duration.ofMillis(50);

  final Lifecycle lifecycle;
  final AccessWatch access;
  final ByteBudget memory;
  final int maxMessageBytes;
  final Set<ChatSocket> open = ConcurrentHashMap.newKeySet();
  volatile @Nullable Dispatcher dispatcher;
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
    return lifecycle.phase() == Lifecycle.Phase.DRAINING ? DRAIN_INTERVAL : CHECK_INTERVAL;
  }

  @Override
  public void close() {
    if (checks != null) {
      checks.close();
    }
  }

  /**
   * Answers the handshake of a WebSocket.
   *
   * @param origins the pages that may open one, beside the gateway's own
   */
  public record Opening(ChatSockets sockets, Set<String> origins)
      implements Handler.Completes, Handler.ForBrowsers {
    /** The subprotocol of the messages; a page names it beside one that carries its token. */
    private static final String PROTOCOL = "luki.chat.v1";

    // RFC 6455 §4.4: what a client with another version should send.
    private static final Fields WANTED = Fields.of("Sec-WebSocket-Version", "13");

    public Opening {
      origins = Set.copyOf(origins);
    }

    @Override
    public Response handle(Exchange exchange) {
      Fields headers = exchange.request().headers();
      // RFC 6455 §4.1; a HEAD is routed as a GET.
      boolean isGet = exchange.request().method() == Method.GET;
      String problem = isGet ? Handshake.problem(headers) : "method";
      if (problem != null) {
        return Response.refused(ApiError.invalid("/" + problem, "websocket")).with(WANTED);
      }
      if (!isAllowedOrigin(headers)) {
        return Response.refused(ApiError.forbiddenOrigin());
      }
      Fields reply = Handshake.reply(headers, protocol(Handshake.protocols(headers)));
      return new Response(
          101,
          reply,
          new Body.Upgraded((in, out) -> new ChatSocket(sockets, exchange, in, out).run()));
    }

    /** Other clients than browsers send no origin; a browser sends that of its page. */
    private boolean isAllowedOrigin(Fields headers) {
      List<String> sent = headers.all("Origin");
      if (sent.isEmpty()) {
        return true;
      }
      String origin = sent.getFirst();
      return sent.size() == 1 && (origins.contains(origin) || isOwn(origin, headers.first("Host")));
    }

    private static boolean isOwn(String origin, @Nullable String host) {
      try {
        String authority = URI.create(origin).getRawAuthority();
        return authority != null && authority.equalsIgnoreCase(host);
      } catch (IllegalArgumentException malformed) {
        return false;
      }
    }

    /** A browser closes a connection whose server takes none of the protocols that it offers. */
    private static @Nullable String protocol(List<String> offered) {
      if (offered.contains(PROTOCOL)) {
        return PROTOCOL;
      }
      return offered.isEmpty() ? null : offered.getFirst();
    }
  }
}
