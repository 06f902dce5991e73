package luki.edge;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import luki.http1.Latin1;

/** The {@code Date} line (RFC 9110 §5.6.7), made once a second instead of for each reply. */
final class DateLine {
  private static final DateTimeFormatter IMF_FIXDATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final InstantSource clock;
  private long second = Long.MIN_VALUE;
  private volatile byte[] line;

  DateLine(InstantSource clock) {
    this.clock = clock;
    this.line = render(clock.instant());
  }

  /** Called by one thread, several times a second. */
  void tick() {
    Instant now = clock.instant();
    if (now.getEpochSecond() != second) {
      second = now.getEpochSecond();
      line = render(now);
    }
  }

  private static byte[] render(Instant now) {
    return ("Date: " + IMF_FIXDATE.format(now) + "\r\n").getBytes(StandardCharsets.US_ASCII);
  }

  int render(byte[] into, int at) {
    return Latin1.put(line, into, at);
  }
}
