package luki.gateway.handler;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Optional;
import luki.gateway.json.Json;

/**
 * Texts and times of the Python services. They write UTC without a zone; the gateway always writes
 * RFC 3339 with {@code Z}.
 */
final class ServiceText {
  private ServiceText() {}

  /** Empty when it is no time. */
  static Optional<Instant> parse(String text) {
    try {
      return Optional.of(OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeException noZone) {
      try {
        return Optional.of(LocalDateTime.parse(text).toInstant(ZoneOffset.UTC));
      } catch (DateTimeException noTime) {
        return Optional.empty();
      }
    }
  }

  /** The same moment with {@code Z}; missing when it is no time. */
  static Json utc(Json time) {
    return parse(time.string("")).map(at -> Json.of(at.toString())).orElse(Json.MISSING);
  }

  /** As Python sees it: the services would list everything for a query that is blank to them. */
  static boolean isBlank(String text) {
    return text.codePoints().allMatch(ServiceText::isSpace);
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
