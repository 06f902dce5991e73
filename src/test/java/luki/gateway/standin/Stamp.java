package luki.gateway.standin;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Times as the Python services write them: UTC in microseconds, mostly without a zone. */
final class Stamp {
  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private Stamp() {}

  static String zoneless(Instant instant) {
    return MICROS.format(instant);
  }

  /** Security's form. */
  static String zoned(Instant instant) {
    return MICROS.format(instant) + "+00:00";
  }

  static boolean hasZone(@Nullable String time) {
    try {
      return time != null && OffsetDateTime.parse(time) != null;
    } catch (DateTimeException e) {
      return false;
    }
  }
}
