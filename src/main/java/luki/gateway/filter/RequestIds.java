package luki.gateway.filter;

import java.io.IOException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.RequestId;
import luki.gateway.http.Response;
import luki.gateway.http.TraceContext;
import luki.http1.Fields;

/** Gives the request its id and its trace, and the reply both. */
public final class RequestIds implements Filter {
  private final Supplier<RandomGenerator> random;

  public RequestIds(Supplier<RandomGenerator> random) {
    this.random = random;
  }

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    Fields headers = exchange.request().headers();
    RequestId id =
        Optional.ofNullable(headers.only("X-Request-Id"))
            .flatMap(RequestId::parse)
            .orElseGet(() -> new RequestId(hex(16)));
    String spanId = hex(8);
    TraceContext trace =
        Optional.ofNullable(headers.only("traceparent"))
            .flatMap(
                parent ->
                    TraceContext.continuing(
                        parent, String.join(",", headers.all("tracestate")), spanId))
            .orElseGet(() -> new TraceContext(hex(16), spanId, "00"));
    return next.handle(exchange.known(id, trace))
        .with("X-Request-Id", id.value())
        .with("X-Trace-Id", trace.traceId());
  }

  /** Random and not all zero, which W3C Trace Context §3.2.2.3 forbids. */
  private String hex(int bytes) {
    byte[] value = new byte[bytes];
    random.get().nextBytes(value);
    value[0] |= 1;
    return HexFormat.of().formatHex(value);
  }
}
