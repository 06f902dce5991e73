package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.observe.Label.TracedStep;
import luki.gateway.observe.TraceSpan;
import luki.gateway.observe.Tracing;

/** A gate with a span of its own time: until it lets a request pass, or refuses it. */
public final class TracedFilter implements Filter {
  private final Tracing tracing;
  private final TracedStep name;
  private final Filter gate;

  public TracedFilter(Tracing tracing, TracedStep name, Filter gate) {
    this.tracing = tracing;
    this.name = name;
    this.gate = gate;
  }

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    if (!tracing.isOn() || !exchange.trace().isSampled()) {
      return gate.apply(exchange, next);
    }
    TraceSpan span = tracing.step(exchange.trace(), name);
    try {
      return gate.apply(
          exchange,
          passed -> {
            span.end();
            return next.handle(passed);
          });
    } finally {
      span.end();
    }
  }
}
