package luki.gateway.observe;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.TraceContext;
import luki.gateway.observe.Label.UpstreamOutcome;
import org.jspecify.annotations.Nullable;

/**
 * A span of a request. It takes codes, numbers and closed sets only, so no text that a caller sent.
 * Ending it again has no effect.
 */
public final class TraceSpan {
  private static final AttributeKey<Long> STATUS =
      AttributeKey.longKey("http.response.status_code");
  private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
  private static final AttributeKey<String> END = AttributeKey.stringKey("luki.reply.end");
  private static final AttributeKey<Double> FIRST_EVENT =
      AttributeKey.doubleKey("luki.stream.first_event_s");
  private static final int FIRST_SERVER_ERROR = 500;

  private final TraceContext context;
  private final Span span;

  TraceSpan(TraceContext context, Span span) {
    this.context = context;
    this.span = span;
  }

  /** A span that goes nowhere. */
  static TraceSpan unrecorded(TraceContext context) {
    return new TraceSpan(context, Span.getInvalid());
  }

  public boolean isRecorded() {
    return span.isRecording();
  }

  /** The context for spans within and for services. */
  public TraceContext context() {
    return context;
  }

  /** The status that a service answered, or the gateway. */
  public void status(int status) {
    span.setAttribute(STATUS, (long) status);
  }

  /** OpenTelemetry's HTTP conventions: of a server's replies only its own errors are errors. */
  public void replied(int status, @Nullable ErrorCode error, Delivery sent) {
    status(status);
    ErrorCode late = sent.streamError();
    ErrorCode cause = late == null ? error : late;
    if (sent.end() == Delivery.End.CLIENT_CLOSED) {
      span.setAttribute(END, "client_closed");
    } else if (sent.end() == Delivery.End.ABORTED) {
      span.setAttribute(END, "aborted");
      failed(cause == null ? ErrorCode.INTERNAL.name() : cause.name());
    } else if (cause != null && (late != null || status >= FIRST_SERVER_ERROR)) {
      failed(cause.name());
    }
  }

  /** The result of a call. */
  public void ended(UpstreamOutcome outcome) {
    if (outcome != UpstreamOutcome.OK) {
      failed(outcome.label());
    }
  }

  private void failed(String type) {
    span.setAttribute(ERROR, type);
    Span _ = span.setStatus(StatusCode.ERROR);
  }

  public void firstEventAfter(long nanos) {
    span.setAttribute(FIRST_EVENT, nanos / 1e9);
  }

  public void end() {
    span.end();
  }
}
