package luki.gateway.filter;

import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.ticket.Tickets;
import luki.http1.Fields;
import luki.websocket.Handshake;
import org.jspecify.annotations.Nullable;

/**
 * A page in a browser cannot set the headers of an event stream or a WebSocket. A ticket in the
 * URL, or a subprotocol with the token, becomes the header that it stands for; the steps after this
 * one see the request as any other client would send it.
 */
public record BrowserCredentials(Tickets tickets) implements Filter {
  private static final String TICKET = "ticket";
  private static final String BEARER = "bearer.";

  @Override
  public Response apply(Exchange exchange, Next next) {
    if (!(exchange.served().handler() instanceof Handler.ForBrowsers)
        || exchange.request().method() != Method.GET) {
      return next.handle(exchange);
    }
    Request request = exchange.request();
    if (!request.query().all(TICKET).isEmpty()) {
      return byTicket(exchange, next);
    }
    String token = inProtocol(request.headers());
    return next.handle(
        token == null ? exchange : with(exchange, "Authorization", token, request.query()));
  }

  /** What would be in Authorization, of a WebSocket's subprotocol; null if there is none. */
  static @Nullable String inProtocol(Fields headers) {
    return Handshake.protocols(headers).stream()
        .filter(offered -> offered.startsWith(BEARER))
        .findFirst()
        .map(offered -> "Bearer " + offered.substring(BEARER.length()))
        .orElse(null);
  }

  private Response byTicket(Exchange exchange, Next next) {
    Query query = exchange.request().query();
    String ticket = query.only(TICKET);
    if (ticket == null || query.names().size() > 1) {
      // What else the request says is in the ticket.
      return Response.refused(ApiError.invalid("/" + TICKET, "alone"));
    }
    if (!Tickets.isTicket(ticket)) {
      return Response.refused(ApiError.invalid("/" + TICKET, "pattern"));
    }
    if (exchange.operation().isEventStream() && exchange.request().headers().has("Last-Event-ID")) {
      // WHATWG HTML §9.2: an EventSource asks again with the same URL, its ticket used; 204 ends
      // it.
      return Response.empty(204);
    }
    Tickets.Grant grant = tickets.redeem(ticket, exchange.route().template());
    return grant == null
        ? Response.refused(new ApiError.Unauthenticated(true))
        : next.handle(
            with(exchange, grant.header(), grant.credential(), Query.parse(grant.query())));
  }

  /** Beside another credential, so that two are still one too many. */
  private static Exchange with(Exchange exchange, String name, String value, Query query) {
    Request sent = exchange.request();
    Fields headers = new Fields.Builder().addAll(sent.headers()).add(name, value).build();
    return exchange.to(
        sent.with(sent.method(), query, headers), exchange.served(), exchange.payload());
  }
}
