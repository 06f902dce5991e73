package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import luki.gateway.contract.Router;
import luki.gateway.http.ApiError;
import luki.gateway.http.Deadline;
import luki.gateway.http.Exchange;
import luki.gateway.http.Ids;
import luki.gateway.http.Method;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Route;
import luki.gateway.http.Target;
import luki.http1.BadMessage;
import luki.http1.ByteBudget;
import luki.http1.EngineExchange;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** Reads an exchange of any engine: the request as a value, its ids, its route and its deadline. */
public record ExchangeReader(Router router, Ids ids, Clock clock) {
  // Streams have a longer deadline than any body needs.
  private static final long MAX_BODY_NANOS = Duration.ofMinutes(1).toNanos();

  /**
   * Reads everything but the body.
   *
   * @param memory what the exchange may hold
   * @param refused why the engine refuses the message, null where it does not
   */
  Exchange read(HttpExchange http, ByteBudget.Lease memory, BadMessage.@Nullable Reason refused) {
    EngineExchange engine = EngineExchange.of(http);
    Fields headers = Fields.NONE;
    BadMessage.Reason reason = refused;
    try {
      headers = engine.fields();
      if (headers.has("Upgrade") && http.getProtocol().equals("HTTP/1.0")) {
        // RFC 9110 §7.8: to be ignored.
        headers = headers.with("Upgrade", "");
      }
    } catch (IllegalArgumentException malformed) {
      reason = BadMessage.Reason.FIELD;
    }
    Method method = Method.of(http.getRequestMethod());
    Target target = router.target(engine.target());
    Request request =
        new Request(
            method,
            Query.parse(target == null ? "" : target.rawQuery()),
            headers,
            new Request.Input(http.getRequestBody(), engine.bodyLength()),
            peerOf(http),
            engine::interruptWhenPeerLeaves);
    Router.Match match =
        reason == null
            ? router.match(method, engine.target(), target)
            : router.refused(method, engine.target(), target, ApiError.of(reason));
    long received = engine.receivedNanos();
    Exchange exchange = exchange(request, match, received, memory);
    Deadline ofBody = new Deadline(received + MAX_BODY_NANOS);
    engine.readBodyBy(exchange.deadline().sooner(ofBody).atNanos());
    return exchange;
  }

  /** A request that no client has sent: a handler makes it, or it is explained. */
  public Exchange read(Request request, String target, ByteBudget.Lease memory) {
    Router.Match match = router.match(request.method(), target, router.target(target));
    return exchange(request, match, System.nanoTime(), memory);
  }

  /** A call that did not come over HTTP. */
  Exchange read(Request request, Route.Served route, ByteBudget.Lease memory) {
    return exchange(request, new Router.Match(route, Map.of()), System.nanoTime(), memory);
  }

  private Exchange exchange(
      Request request, Router.Match match, long received, ByteBudget.Lease memory) {
    Deadline deadline = new Deadline(received + match.route().deadline().toNanos());
    return new Exchange(
        ids.requestId(request.headers()),
        ids.trace(request.headers()),
        clock.instant(),
        received,
        request,
        match.route(),
        match.parameters(),
        memory,
        Exchange.Resolved.nothing(deadline));
  }

  private static String peerOf(HttpExchange http) {
    InetAddress address = http.getRemoteAddress().getAddress();
    if (address == null) {
      return "";
    }
    String text = address.getHostAddress();
    int zone = text.indexOf('%');
    return zone < 0 ? text : text.substring(0, zone);
  }
}
