package luki.edge;

import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import luki.http1.Latin1;

/** The {@code Date} line (RFC 9110 §5.6.7), made at each tick instead of for each reply. */
final class DateLine {
  private static final DateTimeFormatter IMF_FIXDATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final InstantSource clock;
  private volatile byte[] line;

  DateLine(InstantSource clock) {
    this.clock = clock;
    this.line = render(clock.instant());
  }

  /** Called several times a second. */
  void tick() {
    line = render(clock.instant());
  }

  private static byte[] render(Instant now) {
    return Latin1.bytes("Date: " + IMF_FIXDATE.format(now) + "\r\n");
  }

  int render(byte[] into, int at) {
    return Latin1.put(line, into, at);
  }
}
