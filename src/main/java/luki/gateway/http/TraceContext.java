package luki.gateway.http;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * W3C Trace Context level 2.
 *
 * @param traceId 32 lower-case hex digits, not all zero
 * @param parentId the span that this hop continues; empty where the trace begins here
 * @param spanId of this hop, 16 lower-case hex digits, not all zero
 * @param flags two hex digits: the known ones of §3.2.2.5
 * @param state {@code tracestate} as it came; empty for none
 */
public record TraceContext(
    String traceId, String parentId, String spanId, String flags, String state) {
  // §3.2.2: version, trace id, parent id and flags, with a hyphen between them.
  private static final int LENGTH = 55;
  private static final String NO_TRACE = "0".repeat(32);
  private static final String NO_SPAN = "0".repeat(16);
  // §3.3.1.1: at most 32 members; §3.3.1.5: 512 characters go on in any case.
  private static final int MEMBERS = 32;
  private static final int CHARACTERS = 512;
  // §3.3.1.3.1; with an at sign as in level 1 (tenant and system), since services of either level
  // must be able to read it, and the official test suite requires that.
  private static final Pattern MEMBER =
      Pattern.compile(
          "([a-z0-9][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
              + "=[ -+\\--<>-~]{0,255}[!-+\\--<>-~]");
  private static final int SAMPLED = 1;
  // §3.2.2.5: sampled and random; what later levels may define is not passed on.
  private static final int KNOWN_FLAGS = 3;

  /**
   * The trace that a {@code traceparent} continues that {@link #isParent}, with the gateway's span.
   *
   * @param state the lines of {@code tracestate}, joined; dropped when they are not valid
   */
  static TraceContext continuing(String traceparent, String state, String spanId) {
    int flags = Character.digit(traceparent.charAt(LENGTH - 1), 16) & KNOWN_FLAGS;
    return new TraceContext(
        traceparent.substring(3, 35),
        traceparent.substring(36, 52),
        spanId,
        "0" + flags,
        isState(state) ? state : "");
  }

  static boolean isParent(String text) {
    // A later version may have more fields behind the flags (§3.2.4); version 00 may not.
    boolean whole =
        text.length() == LENGTH
            || (text.length() > LENGTH && text.charAt(LENGTH) == '-' && !text.startsWith("00"));
    return whole
        && areHex(text, 0, 2)
        && areHex(text, 3, 35)
        && areHex(text, 36, 52)
        && areHex(text, 53, LENGTH)
        && !text.startsWith("ff")
        && !text.startsWith(NO_TRACE, 3)
        && !text.startsWith(NO_SPAN, 36);
  }

  /** Whether they are lower-case hex digits, and a hyphen or the end is behind them. */
  private static boolean areHex(String text, int from, int to) {
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
        return false;
      }
    }
    return to == text.length() || text.charAt(to) == '-';
  }

  /** Whether it has a member, and each is valid and has a key of its own. */
  private static boolean isState(String state) {
    if (state.isEmpty() || state.length() > CHARACTERS) {
      return false;
    }
    String[] members = state.split(",", -1);
    Set<String> keys = new HashSet<>();
    for (String text : members) {
      Matcher member = MEMBER.matcher(text.strip());
      if (!text.isBlank() && !(member.matches() && keys.add(member.group(1)))) {
        return false;
      }
    }
    return members.length <= MEMBERS && !keys.isEmpty();
  }

  /** Whether the trace is recorded. */
  public boolean isSampled() {
    return (Character.digit(flags.charAt(1), 16) & SAMPLED) != 0;
  }

  public TraceContext sampled(boolean recorded) {
    if (recorded == isSampled()) {
      return this;
    }
    int now = Character.digit(flags.charAt(1), 16) ^ SAMPLED;
    return new TraceContext(traceId, parentId, spanId, "0" + now, state);
  }

  /** A span within this one. */
  public TraceContext child(String id) {
    return new TraceContext(traceId, spanId, id, flags, state);
  }

  public String traceparent() {
    return "00-" + traceId + "-" + spanId + "-" + flags;
  }
}
