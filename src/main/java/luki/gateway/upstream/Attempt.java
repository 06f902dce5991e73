package luki.gateway.upstream;

import java.io.InputStream;
import luki.gateway.observe.TraceSpan;
import luki.gateway.upstream.CircuitBreaker.CallResult;
import org.jspecify.annotations.Nullable;

/**
 * What one attempt of a call came to.
 *
 * @param stream null unless the reply is an event stream
 * @param mayRepeat nothing was sent, or it does no harm to send it again
 */
record Attempt(Reply reply, @Nullable OpenStream stream, boolean mayRepeat, CallResult result) {

  /** The body of a reply that is an event stream, and the span of its call. */
  record OpenStream(InputStream events, TraceSpan span) {}

  /** Nothing was called. */
  static Attempt none(Reply reply) {
    return new Attempt(reply, null, false, CallResult.IGNORED);
  }
}
