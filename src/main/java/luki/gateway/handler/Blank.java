package luki.gateway.handler;

/**
 * White space as the Python services see it: a query that is blank to them would list everything.
 */
final class Blank {
  private Blank() {}

  static boolean isBlank(String text) {
    return text.codePoints().allMatch(Blank::isSpace);
  }

  static String trim(String text) {
    int from = 0;
    int to = text.length();
    while (from < to && isSpace(text.charAt(from))) {
      from++;
    }
    while (to > from && isSpace(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean isSpace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  /** At most that many code points: the services count those, not UTF-16 units. */
  static String cut(String text, int codePoints) {
    return text.codePointCount(0, text.length()) <= codePoints
        ? text
        : text.substring(0, text.offsetByCodePoints(0, codePoints));
  }
}
