package luki.gateway.filter;

import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Route;
import luki.gateway.http.TraceContext;
import luki.gateway.observe.Label.TracedStep;
import luki.gateway.observe.TraceSpan;
import luki.gateway.observe.Tracing;

/**
 * A span for each request, from its head to the last byte of its reply. Health checks have none:
 * they come every few seconds, and no one looks for them.
 */
public record Trace(Tracing tracing) implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    if (!tracing.isOn()) {
      return next.handle(exchange);
    }
    if (exchange.route() instanceof Route.Served probe && probe.policy().alwaysAdmitted()) {
      return next.handle(exchange.inTrace(exchange.trace().sampled(false)));
    }
    TraceSpan span =
        tracing.server(exchange.trace(), exchange.request().method(), exchange.route());
    TraceContext trace = span.context();
    boolean decidedAlike = trace.isSampled() == exchange.trace().isSampled();
    Exchange traced = decidedAlike ? exchange : exchange.inTrace(trace);
    if (!span.isRecorded()) {
      return next.handle(traced);
    }
    Response response = next.handle(traced);
    return response.onComplete(sent -> end(span, response, sent));
  }

  /** Another filter with a span of its own time: until it lets a request pass, or refuses it. */
  public static Filter step(Tracing tracing, TracedStep name, Filter filter) {
    return (exchange, next) -> {
      if (!tracing.isOn() || !exchange.trace().isSampled()) {
        return filter.apply(exchange, next);
      }
      TraceSpan span = tracing.step(exchange.trace(), name);
      try {
        return filter.apply(
            exchange,
            passed -> {
              span.end();
              return next.handle(passed);
            });
      } finally {
        span.end();
      }
    };
  }

  private static void end(TraceSpan span, Response response, Delivery sent) {
    ApiError refusal = response.outcome().refusal();
    ErrorCode code = refusal == null ? null : refusal.code();
    span.replied(sent.status(), code, sent);
    if (response.body() instanceof Body.Stream(Body.Source source, _)) {
      source.firstEventNanos().ifPresent(span::firstEventAfter);
    }
    span.end();
  }
}
