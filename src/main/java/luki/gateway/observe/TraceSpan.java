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
 * A part of a request's way. What it can be told are codes, numbers and closed sets: no text that
 * somebody sent fits in. Ending it twice is ending it once.
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
  private final @Nullable Span span;

  TraceSpan(TraceContext context, @Nullable Span span) {
    this.context = context;
    this.span = span;
  }

  public boolean isRecorded() {
    return span != null;
  }

  /** What goes on from here: to spans within, and to services. */
  public TraceContext context() {
    return context;
  }

  /** The status that a service answered, or the gateway. */
  public void status(int status) {
    if (span != null) {
      span.setAttribute(STATUS, (long) status);
    }
  }

  /** OpenTelemetry's HTTP conventions: of a server's replies only its own errors are errors. */
  public void replied(int status, @Nullable ErrorCode error, Delivery sent) {
    if (span == null) {
      return;
    }
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

  /** A call that got no success. */
  public void ended(UpstreamOutcome outcome) {
    if (outcome != UpstreamOutcome.OK) {
      failed(outcome.label());
    }
  }

  private void failed(String type) {
    if (span != null) {
      span.setAttribute(ERROR, type);
      Span _ = span.setStatus(StatusCode.ERROR);
    }
  }

  public void firstEventAfter(long nanos) {
    if (span != null) {
      span.setAttribute(FIRST_EVENT, nanos / 1e9);
    }
  }

  public void end() {
    if (span != null) {
      span.end();
    }
  }
}
