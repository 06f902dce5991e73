package luki.gateway.http;

import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * W3C Trace Context level 2.
 *
 * @param traceId 32 lower-case hex digits, not all zero
 * @param parentId the span that this hop continues; empty where the trace begins here
 * @param spanId of this hop, 16 lower-case hex digits, not all zero
 * @param flags two hex digits
 * @param state {@code tracestate} as it came; empty for none
 */
public record TraceContext(
    String traceId, String parentId, String spanId, String flags, String state) {
  // A later version may have more fields behind the flags (§3.2.4); version 00 may not.
  private static final Pattern PARENT =
      Pattern.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?");
  private static final String NO_TRACE = "0".repeat(32);
  private static final String NO_SPAN = "0".repeat(16);
  // §3.3.1.1: at most 32 members; §3.3.1.5: 512 characters go on in any case.
  private static final int MEMBERS = 32;
  private static final int CHARACTERS = 512;
  private static final Pattern MEMBER =
      Pattern.compile("[a-z0-9][a-z0-9_\\-*/@]{0,255}=[ -+\\--<>-~]{0,255}[!-+\\--<>-~]");
  private static final int SAMPLED = 1;

  /** A trace that begins here. */
  public TraceContext(String traceId, String spanId, String flags) {
    this(traceId, "", spanId, flags, "");
  }

  /**
   * The trace that a valid {@code traceparent} continues, with the gateway's span.
   *
   * @param state the lines of {@code tracestate}, joined; dropped when they are not valid
   */
  public static Optional<TraceContext> continuing(String traceparent, String state, String spanId) {
    Matcher parent = PARENT.matcher(traceparent);
    if (!parent.matches()
        || parent.group(1).equals("ff")
        || (parent.group(1).equals("00") && parent.group(5) != null)
        || parent.group(2).equals(NO_TRACE)
        || parent.group(3).equals(NO_SPAN)) {
      return Optional.empty();
    }
    return Optional.of(
        new TraceContext(
            parent.group(2),
            parent.group(3),
            spanId,
            parent.group(4),
            isState(state) ? state : ""));
  }

  private static boolean isState(String state) {
    if (state.isEmpty() || state.length() > CHARACTERS) {
      return false;
    }
    String[] members = state.split(",", -1);
    if (members.length > MEMBERS) {
      return false;
    }
    for (String member : members) {
      String bare = member.strip();
      if (!bare.isEmpty() && !MEMBER.matcher(bare).matches()) {
        return false;
      }
    }
    return true;
  }

  /** Whether the trace is recorded. */
  public boolean isSampled() {
    return (Character.digit(flags.charAt(1), 16) & SAMPLED) != 0;
  }

  public TraceContext sampled(boolean recorded) {
    if (recorded == isSampled()) {
      return this;
    }
    byte now = (byte) (Integer.parseInt(flags, 16) ^ SAMPLED);
    return new TraceContext(traceId, parentId, spanId, HexFormat.of().toHexDigits(now), state);
  }

  /** A span within this one. */
  public TraceContext child(String id) {
    return new TraceContext(traceId, spanId, id, flags, state);
  }

  public String traceparent() {
    return "00-" + traceId + "-" + spanId + "-" + flags;
  }
}
