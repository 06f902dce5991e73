package luki.http1;

import java.util.HexFormat;

/** The character classes of RFC 9110 §5.5–5.6 and RFC 3986. */
public final class Grammar {
  /** {@code token} of RFC 9110 §5.6.2 as a regular expression. */
  public static final String TOKEN_PATTERN = "[!#$%&'*+.^_`|~0-9A-Za-z-]++";

  private static final AsciiSet TOKEN = AsciiSet.alphanumericAnd("!#$%&'*+-.^_`|~");
  // RFC 3986 §3.3–3.4. Percent signs are allowed here; their digits are checked separately.
  private static final AsciiSet PATH = AsciiSet.alphanumericAnd("-._~!$&'()*+,;=:@/%");
  // Brackets in a query are common enough, and mean nothing to HTTP.
  private static final AsciiSet QUERY = AsciiSet.alphanumericAnd("-._~!$&'()*+,;=:@/%?[]");
  private static final AsciiSet HOST = AsciiSet.alphanumericAnd("-._~");

  private Grammar() {}

  static boolean isTokenByte(byte octet) {
    return TOKEN.contains(octet);
  }

  /**
   * Whether it may stand inside a line: no CR, LF, NUL or other control but HTAB. These are VCHAR,
   * SP, HTAB and obs-text of RFC 9110 §5.5; the last is negative as a byte.
   */
  static boolean isLineByte(byte octet) {
    return octet >= ' ' ? octet != 0x7f : octet < 0 || octet == '\t';
  }

  static boolean isSpace(int octet) {
    return octet == ' ' || octet == '\t';
  }

  /** Whether the field belongs to one message on one connection, so that only an engine sets it. */
  public static boolean isFramingField(String name) {
    return switch (name.length()) {
      case 4 -> name.equalsIgnoreCase("Date");
      case 10 -> name.equalsIgnoreCase("Connection") || name.equalsIgnoreCase("Keep-Alive");
      case 14 -> name.equalsIgnoreCase("Content-Length");
      case 17 -> name.equalsIgnoreCase("Transfer-Encoding");
      default -> false;
    };
  }

  /** {@code token} of RFC 9110 §5.6.2. */
  public static boolean isToken(String text) {
    return !text.isEmpty() && TOKEN.containsAll(text, 0, text.length());
  }

  /** A field value that may be sent: ISO-8859-1, no control but HTAB, no space at its ends. */
  public static boolean isFieldValue(String text) {
    int length = text.length();
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c > 0xff || !isLineByte((byte) c)) {
        return false;
      }
    }
    return length == 0 || !(isSpace(text.charAt(0)) || isSpace(text.charAt(length - 1)));
  }

  /** {@code 1*DIGIT} with a maximum of digits. */
  public static boolean isDigits(String text, int most) {
    return isDigits(text, 0, text.length(), most);
  }

  private static boolean isDigits(String text, int from, int to, int most) {
    for (int i = from; i < to; i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return from < to && to - from <= most;
  }

  /**
   * A name or address, with a port or without: {@code uri-host [ ":" port ]} of RFC 9110 §7.2. The
   * port may be empty (RFC 3986 §3.2.3).
   */
  public static boolean isHost(String text) {
    int end = endOfHost(text);
    return end > 0
        && (end >= text.length() - 1 || isDigits(text, end + 1, text.length(), 5))
        && (end == text.length() || text.charAt(end) == ':');
  }

  /** Whether both, of {@link #isHost}, are one host; a port counts only where both have one. */
  static boolean isSameHost(String one, String other) {
    int end = endOfHost(one);
    return end == endOfHost(other)
        && one.regionMatches(true, 0, other, 0, end)
        && (one.length() <= end + 1
            || other.length() <= end + 1
            || one.regionMatches(end, other, end, Math.max(one.length(), other.length()) - end));
  }

  private static int endOfHost(String text) {
    return text.startsWith("[") ? endOfLiteral(text) : endOfName(text);
  }

  private static int endOfName(String text) {
    int colon = text.indexOf(':');
    int end = colon < 0 ? text.length() : colon;
    return HOST.containsAll(text, 0, end) ? end : -1;
  }

  private static int endOfLiteral(String text) {
    int close = text.indexOf(']');
    for (int i = 1; i < close; i++) {
      char c = text.charAt(i);
      if (!HexFormat.isHexDigit(c) && c != ':' && c != '.') {
        return -1;
      }
    }
    return close > 1 ? close + 1 : -1;
  }

  /** {@code absolute-path [ "?" query ]} of RFC 9112 §3.2.1, each percent sign with two digits. */
  static boolean isOriginForm(String text) {
    int question = text.indexOf('?');
    int path = question < 0 ? text.length() : question;
    return text.startsWith("/")
        && PATH.containsAll(text, 0, path)
        && QUERY.containsAll(text, path, text.length())
        && isPercentEncoded(text);
  }

  private static boolean isPercentEncoded(String text) {
    for (int at = text.indexOf('%'); at >= 0; at = text.indexOf('%', at + 1)) {
      if (at + 2 >= text.length()
          || !HexFormat.isHexDigit(text.charAt(at + 1))
          || !HexFormat.isHexDigit(text.charAt(at + 2))) {
        return false;
      }
    }
    return true;
  }
}
