package luki.gateway.http;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * W3C Trace Context level 2, as far as it goes on.
 *
 * @param traceId 32 lower-case hex digits, not all zero
 * @param spanId of this hop, 16 lower-case hex digits, not all zero
 * @param flags two hex digits
 */
public record TraceContext(String traceId, String spanId, String flags) {
  // A later version may have more fields behind the flags (§3.2.4); version 00 may not.
  private static final Pattern PARENT =
      Pattern.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?");
  private static final String NO_TRACE = "0".repeat(32);
  private static final String NO_SPAN = "0".repeat(16);

  /** The trace that a valid {@code traceparent} continues, with a span of ours. */
  public static Optional<TraceContext> continuing(String traceparent, String spanId) {
    Matcher parent = PARENT.matcher(traceparent);
    if (!parent.matches()
        || parent.group(1).equals("ff")
        || (parent.group(1).equals("00") && parent.group(5) != null)
        || parent.group(2).equals(NO_TRACE)
        || parent.group(3).equals(NO_SPAN)) {
      return Optional.empty();
    }
    return Optional.of(new TraceContext(parent.group(2), spanId, parent.group(4)));
  }

  public String traceparent() {
    return "00-" + traceId + "-" + spanId + "-" + flags;
  }
}
