package luki.gateway.config;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Durations as configuration and command line write them. */
public final class Durations {
  private static final Pattern FORM = Pattern.compile("(\\d{1,7})(ms|[smhd])");

  private Durations() {}

  /** What {@code 1500ms}, {@code 10s}, {@code 14m}, {@code 12h} or {@code 90d} means, or null. */
  public static @Nullable Duration parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      return null;
    }
    long count = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "ms" -> Duration.ofMillis(count);
      case "s" -> Duration.ofSeconds(count);
      case "m" -> Duration.ofMinutes(count);
      case "h" -> Duration.ofHours(count);
      default -> Duration.ofDays(count);
    };
  }
}
