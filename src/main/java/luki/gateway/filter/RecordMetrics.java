package luki.gateway.filter;

import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.observe.Metrics;

/** Counts and times requests, to the end of their replies. */
public record RecordMetrics(Metrics metrics) implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    metrics.requestBegins();
    Response response = next.handle(exchange);
    return response.onComplete(
        sent ->
            metrics.requestEnds(
                exchange.request().method(),
                exchange.route(),
                sent.status(),
                System.nanoTime() - exchange.receivedNanos(),
                exchange.trace()));
  }
}
