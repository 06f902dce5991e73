package luki.gateway.ticket;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.json.Json;
import luki.http1.Fields;

/** Issues a ticket for the caller's own credential and the query that it names. */
public record TicketHandler(Tickets tickets) implements Handler.Completes {
  @Override
  public Response handle(Exchange exchange) {
    Json body = exchange.json();
    List<String> query = new ArrayList<>();
    body.at("parameters")
        .members()
        .forEach((name, value) -> query.add(encoded(name) + "=" + encoded(value.string(""))));
    Fields headers = exchange.request().headers();
    String header = headers.has("X-API-Key") ? "X-API-Key" : "Authorization";
    String credential = headers.first(header);
    if (credential == null) {
      throw new IllegalStateException("authenticated without a credential");
    }
    String path = body.at("path").string("");
    String ticket =
        tickets.issue(new Tickets.Grant(path, header, credential, String.join("&", query)));
    Json reply =
        Json.object()
            .put("ticket", ticket)
            .put("url", path + "?ticket=" + ticket)
            .put("expires_in_s", TicketStore.LIFETIME.toSeconds())
            .build();
    return Response.json(201, reply).with("Cache-Control", "no-store");
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
