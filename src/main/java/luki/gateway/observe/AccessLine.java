package luki.gateway.observe;

import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import luki.gateway.http.CallerName;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Method;
import luki.gateway.http.RequestId;
import luki.gateway.http.Route;
import luki.gateway.http.TraceContext;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Label.CallerKind;
import org.jspecify.annotations.Nullable;

/**
 * One line of the access log. Each field has a type that cannot contain a path, a body or an
 * address: numbers, closed sets, route templates and hex. The only value of a header is the
 * caller's request id, if it is 1 to 128 of {@code A-Za-z0-9._-}.
 *
 * @param at when the request came
 * @param route of which the template shows, empty where the contract has no such path
 */
public record AccessLine(
    Instant at,
    Event event,
    Method method,
    Route route,
    int status,
    long durationNanos,
    long bytesIn,
    long bytesOut,
    TraceContext trace,
    RequestId requestId,
    CallerName principal,
    CallerKind auth,
    @Nullable ErrorCode error,
    @Nullable Upstream upstream,
    long upstreamNanos) {

  private static final QueuedWriter.Limits QUEUE =
      new QueuedWriter.Limits(
          16_384, 1024, Duration.ofMillis(20), Duration.ZERO, Duration.ofSeconds(1));

  /** How it ended. */
  public enum Event implements Label {
    REQUEST,
    CLIENT_CLOSED,
    ABORTED
  }

  /** Writes lines, as {@link #bytes} makes them; a batch that cannot be written is dropped. */
  public static QueuedWriter<byte[]> writer(OutputStream log) {
    BufferedOutputStream out = new BufferedOutputStream(log, 64 * 1024);
    FailureLog failures =
        new FailureLog(
            new Diagnostics("access-log"),
            "the access log cannot be written",
            "the access log can be written again");
    return new QueuedWriter<>(
        "access-log",
        QUEUE,
        failures,
        lines -> {
          for (byte[] line : lines) {
            out.write(line);
          }
          out.flush();
        });
  }

  /** JSON in UTF-8 with its line break. Nothing in it needs escaping but the request id's rule. */
  public byte[] bytes() {
    StringBuilder line = new StringBuilder(384);
    line.append("{\"ts\":\"");
    time(line, at);
    line.append("\",\"level\":\"").append(isFault() ? "error" : "info");
    line.append("\",\"event\":\"").append(event.label());
    line.append("\",\"method\":\"").append(method.label()).append('"');
    text(line, "route", route.template());
    line.append(",\"status\":").append(status);
    line.append(",\"duration_ms\":");
    millis(line, durationNanos);
    line.append(",\"bytes_in\":").append(bytesIn);
    line.append(",\"bytes_out\":").append(bytesOut);
    text(line, "trace_id", trace.traceId());
    text(line, "request_id", requestId.value());
    text(line, "principal", principal.value());
    text(line, "auth", auth.label());
    text(line, "error_code", error == null ? "" : error.name());
    text(line, "upstream", upstream == null ? "" : upstream.label());
    line.append(",\"upstream_ms\":");
    if (upstream == null) {
      line.append("null");
    } else {
      millis(line, upstreamNanos);
    }
    return line.append("}\n").toString().getBytes(StandardCharsets.UTF_8);
  }

  /** RFC 3339 with milliseconds, without a formatter. */
  private static void time(StringBuilder line, Instant at) {
    LocalDateTime utc = LocalDateTime.ofEpochSecond(at.getEpochSecond(), 0, ZoneOffset.UTC);
    number(line, utc.getYear(), 4).append('-');
    number(line, utc.getMonthValue(), 2).append('-');
    number(line, utc.getDayOfMonth(), 2).append('T');
    number(line, utc.getHour(), 2).append(':');
    number(line, utc.getMinute(), 2).append(':');
    number(line, utc.getSecond(), 2).append('.');
    number(line, at.getNano() / 1_000_000, 3).append('Z');
  }

  private static StringBuilder number(StringBuilder line, int value, int digits) {
    String text = Integer.toString(value);
    return line.repeat('0', Math.max(0, digits - text.length())).append(text);
  }

  /** A refusal while stopping is planned, not a fault. */
  private boolean isFault() {
    return status >= 500 && error != ErrorCode.DRAINING;
  }

  private static void text(StringBuilder line, String name, String value) {
    line.append(",\"").append(name).append("\":");
    if (value.isEmpty()) {
      line.append("null");
    } else {
      line.append('"').append(value).append('"');
    }
  }

  /** Three decimals, without a formatter. */
  private static void millis(StringBuilder line, long nanos) {
    long micros = nanos / 1000;
    line.append(micros / 1000).append('.');
    long rest = micros % 1000;
    line.append(rest < 10 ? "00" : rest < 100 ? "0" : "").append(rest);
  }
}
