package luki.gateway.resume;

import java.io.IOException;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import org.jspecify.annotations.Nullable;

/**
 * Answers a request for the rest of a stream without a call and without a bill, which is that of
 * the request that began the stream.
 *
 * @param streams null where none is kept
 */
public record ResumeStream(@Nullable KeptStreams streams) implements Filter {
  private static final String LAST_EVENT_ID = "Last-Event-ID";

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    if (streams == null
        || exchange.payload() == null
        || !(exchange.served().handler() instanceof Handler.Resumable)) {
      return next.handle(exchange);
    }
    String last = exchange.request().headers().first(LAST_EVENT_ID);
    // WHATWG HTML §9.2: an empty id is none.
    return last == null || last.isEmpty()
        ? streams.keep(exchange, next)
        : streams.resume(exchange, last);
  }
}
