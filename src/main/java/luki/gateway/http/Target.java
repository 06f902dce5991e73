package luki.gateway.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A request target after the one normalisation that routing and every decision use: percent-decoded
 * segments. What could be read in two ways is refused, not repaired.
 *
 * @param segments decoded; empty for {@code /} and for {@code *}
 * @param rawQuery the text after the question mark, or ""
 * @param asterisk the asterisk-form of RFC 9112 §3.2.4
 */
public record Target(List<String> segments, String rawQuery, boolean asterisk) {
  // RFC 9112 §3.2.2: the absolute-form is accepted too. Its authority decides nothing here; the
  // edge engine has compared it with Host.
  private static final Pattern AUTHORITY = Pattern.compile("^(?i:https?)://[^/?#]*+/?+");

  public Target {
    segments = List.copyOf(segments);
  }

  /** Reads the target as it stood in the request line; empty when it is ambiguous or malformed. */
  public static Optional<Target> parse(String raw) {
    if (raw.equals("*")) {
      return Optional.of(new Target(List.of(), "", true));
    }
    String target = raw.startsWith("/") ? raw : AUTHORITY.matcher(raw).replaceFirst("/");
    int question = target.indexOf('?');
    String path = question < 0 ? target : target.substring(0, question);
    String query = question < 0 ? "" : target.substring(question + 1);
    if (!path.startsWith("/") || target.indexOf('#') >= 0) {
      return Optional.empty();
    }
    List<String> segments = new ArrayList<>();
    if (path.length() > 1) {
      for (String segment : path.substring(1).split("/", -1)) {
        Optional<String> decoded = PercentCoding.decode(segment, false);
        if (decoded.isEmpty() || !isUnambiguous(decoded.get())) {
          return Optional.empty();
        }
        segments.add(decoded.get());
      }
    }
    return Optional.of(new Target(segments, query, false));
  }

  /**
   * Whether every server takes the decoded segment for the same one. A dot segment, a slash or a
   * semicolon may change the path, and so may an escape when the text is decoded once more. Half of
   * a surrogate pair has no UTF-8, so it would not come back from a path.
   */
  static boolean isUnambiguous(String segment) {
    if (segment.equals(".") || segment.equals("..")) {
      return false;
    }
    for (int i = 0; i < segment.length(); i += Character.charCount(segment.codePointAt(i))) {
      int c = segment.codePointAt(i);
      boolean halfPair = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
      boolean escape =
          c == '%'
              && i + 2 < segment.length()
              && PercentCoding.octet(segment.charAt(i + 1), segment.charAt(i + 2)) >= 0;
      if (escape || halfPair || c == '/' || c == '\\' || c == ';' || Character.isISOControl(c)) {
        return false;
      }
    }
    return true;
  }
}
