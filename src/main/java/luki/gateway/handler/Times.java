package luki.gateway.handler;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Optional;
import luki.gateway.json.Json;

/** The services write UTC without a zone; the gateway always writes RFC 3339 with {@code Z}. */
final class Times {
  private Times() {}

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
}
