package luki.gateway.observe;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Ids.RequestId;
import luki.gateway.http.Method;
import luki.gateway.http.Principal;
import luki.gateway.http.Principal.CallerName;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Route;
import luki.gateway.http.Route.Version;
import luki.gateway.http.TraceContext;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.http1.Latin1;
import org.jspecify.annotations.Nullable;

/**
 * One line of the access log. Each field has a type that cannot contain a path, a body or an
 * address: numbers, closed sets, route templates and hex. The only values of headers are the
 * caller's request id, if it is 1 to 128 of {@code A-Za-z0-9._-}, and the trace id of its {@code
 * traceparent}.
 *
 * @param at when the request came
 * @param route of which the template shows, empty where the contract has no such path
 * @param auth null where the request ended before authentication
 */
public record AccessLine(
    Instant at,
    Delivery.End end,
    Method method,
    Route route,
    int status,
    long durationNanos,
    long bytesIn,
    long bytesOut,
    TraceContext trace,
    RequestId requestId,
    CallerName principal,
    Principal.@Nullable Kind auth,
    @Nullable ErrorCode error,
    @Nullable Upstream upstream,
    @Nullable UpstreamVersion upstreamVersion,
    long upstreamNanos) {

  private static final QueuedWriter.Limits QUEUE =
      new QueuedWriter.Limits(
          16_384, 1024, Duration.ofMillis(20), Duration.ZERO, Duration.ofSeconds(1));

  /** A member of a line and what it can contain. */
  public record Field(String name, String value) {}

  /** The members of a line, in their order. */
  public static final List<Field> FIELDS =
      List.of(
          new Field("ts", "time of the request, UTC"),
          new Field("level", "info, or error for a status of 500 and more that is not planned"),
          new Field("event", "how it ended: request, client_closed or aborted"),
          new Field("method", "a known method"),
          new Field("route", "path of the contract with its parameters' names, never their values"),
          new Field("status", "number"),
          new Field("duration_ms", "number"),
          new Field("bytes_in", "number, of the body"),
          new Field("bytes_out", "number, of the body"),
          new Field("trace_id", "32 hexadecimal digits"),
          new Field(
              "request_id", "the caller's, of 1 to 128 characters A-Za-z0-9._-, or a new one"),
          new Field("principal", "keyed hash of the caller"),
          new Field("auth", "kind of credential"),
          new Field("error_code", "code of the error, or null"),
          new Field("upstream", "name of the service, or null"),
          new Field("upstream_ms", "number or null"),
          new Field("upstream_version", "name of its version, where it has several"),
          new Field("version", "name of the API's version, on routes of an old one"));

  /** Writes lines; a batch that cannot be written is dropped. */
  public static QueuedWriter<AccessLine> writer(OutputStream log) {
    FailureLog failures =
        new FailureLog(
            "access-log",
            "the access log cannot be written",
            "the access log can be written again");
    return new QueuedWriter<>("access-log", QUEUE, failures, new Lines(log));
  }

  /** JSON in UTF-8 with its line break. Nothing needs escaping: no value has such characters. */
  private void render(Lines lines) {
    lines.put("{\"ts\":\"").time(at);
    lines.put("\",\"level\":\"").put(isFault() ? "error" : "info");
    lines.put("\",\"event\":\"").put(event());
    lines.put("\",\"method\":\"").put(method.label());
    lines.put("\",\"route\":").text(lines.latin1(route.template()));
    lines.put(",\"status\":").put(status);
    lines.put(",\"duration_ms\":").millis(durationNanos);
    lines.put(",\"bytes_in\":").put(bytesIn);
    lines.put(",\"bytes_out\":").put(bytesOut);
    lines.put(",\"trace_id\":").text(trace.traceId());
    lines.put(",\"request_id\":").text(requestId.value());
    lines.put(",\"principal\":").text(principal.value());
    lines.put(",\"auth\":").text(auth == null ? "none" : auth.label());
    lines.put(",\"error_code\":").text(error == null ? "" : error.name());
    lines.put(",\"upstream\":").text(upstream == null ? "" : upstream.label());
    lines.put(",\"upstream_ms\":");
    if (upstream == null) {
      lines.put("null");
    } else {
      lines.millis(upstreamNanos);
    }
    if (upstreamVersion != null) {
      lines.put(",\"upstream_version\":\"").put(upstreamVersion.name()).put("\"");
    }
    Version version = route.version();
    if (version != null) {
      lines.put(",\"version\":\"").put(version.name()).put("\"");
    }
    lines.put("}\n");
  }

  private String event() {
    return switch (end) {
      case COMPLETE -> "request";
      case CLIENT_CLOSED -> "client_closed";
      case ABORTED -> "aborted";
    };
  }

  /** A 5xx while the gateway stops, or from /readyz, is part of normal operation. */
  private boolean isFault() {
    return status >= 500 && error != ErrorCode.DRAINING && !route.template().equals("/readyz");
  }

  /** Renders lines into one buffer, on the writer's thread: a request makes no text. */
  private static final class Lines implements QueuedWriter.Sink<AccessLine> {
    private static final int FULL = 64 * 1024;
    private static final DateTimeFormatter TO_THE_SECOND =
        DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final OutputStream log;
    // With space for any line: a path has at most 8 KB.
    private final byte[] bytes = new byte[2 * FULL];
    // The UTF-8 of each, one byte a character; as many as the contract has paths.
    private final Map<String, String> templates = new HashMap<>();
    private int length;
    private long second = Long.MIN_VALUE;
    private String secondText = "";

    Lines(OutputStream log) {
      this.log = log;
    }

    @Override
    public void write(List<AccessLine> batch) throws IOException {
      length = 0;
      for (AccessLine line : batch) {
        line.render(this);
        if (length > FULL) {
          flush();
        }
      }
      flush();
    }

    private void flush() throws IOException {
      log.write(bytes, 0, length);
      log.flush();
      length = 0;
    }

    /** The contract's author may use any character in a path; all other texts are ASCII. */
    private String latin1(String template) {
      return templates.computeIfAbsent(
          template,
          text -> new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
    }

    Lines put(String ascii) {
      length = Latin1.put(ascii, bytes, length);
      return this;
    }

    Lines put(long number) {
      length = Latin1.putDecimal(number, bytes, length);
      return this;
    }

    void text(String ascii) {
      if (ascii.isEmpty()) {
        put("null");
      } else {
        put("\"").put(ascii).put("\"");
      }
    }

    /** RFC 3339 with milliseconds. */
    void time(Instant at) {
      if (at.getEpochSecond() != second) {
        second = at.getEpochSecond();
        secondText = TO_THE_SECOND.format(at);
      }
      put(secondText).thousandths(at.getNano() / 1_000_000).put("Z");
    }

    void millis(long nanos) {
      long micros = nanos / 1000;
      put(micros / 1000).put(".").thousandths(micros % 1000);
    }

    private Lines thousandths(long value) {
      return put(value < 10 ? "00" : value < 100 ? "0" : "").put(value);
    }
  }
}
