package luki.gateway.filter;

import java.util.function.Consumer;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Principal;
import luki.gateway.http.Principal.CallerName;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Response.Outcome;
import luki.gateway.keys.KeyedHash;
import luki.gateway.observe.AccessLine;

/** One line for each request, written when its reply has left, a stream's when it has ended. */
public record AccessLog(Consumer<AccessLine> writer, KeyedHash hash) implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    Response response = next.handle(exchange);
    return response.onComplete(sent -> writer.accept(line(exchange, response, sent)));
  }

  private AccessLine line(Exchange exchange, Response response, Delivery sent) {
    Outcome outcome = response.outcome();
    Principal principal = outcome.principal();
    ApiError refusal = outcome.refusal();
    ErrorCode error = refusal != null ? refusal.code() : sent.streamError();
    return new AccessLine(
        exchange.receivedAt(),
        sent.end(),
        exchange.request().method(),
        exchange.route(),
        sent.status(),
        System.nanoTime() - exchange.receivedNanos(),
        exchange.request().body().bytesRead(),
        sent.bytes(),
        exchange.trace(),
        exchange.id(),
        principal == null ? CallerName.NOBODY : hash.nameOf(principal),
        principal == null ? null : principal.kind(),
        sent.isAnswered() ? error : null,
        outcome.upstream(),
        outcome.version(),
        outcome.upstreamNanos());
  }
}
