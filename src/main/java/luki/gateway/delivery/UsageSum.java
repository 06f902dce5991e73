package luki.gateway.delivery;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedSet;
import java.util.function.Function;
import luki.gateway.http.Policy.Units;
import luki.gateway.observe.Segments;

/**
 * Sums the usage events of an outbox. An event that is there twice counts once.
 *
 * @param unreadable lines that are not events: a crash left them unfinished
 */
public record UsageSum(Map<String, Line> lines, long unreadable) {
  // A batch is written again after a failure took part of it, so copies are near each other.
  private static final int CLOSE = 100_000;

  public UsageSum {
    lines = Map.copyOf(lines);
  }

  /** The sum of one plan or principal. */
  public record Line(long calls, Units units) {
    private Line plus(Line more) {
      return new Line(
          calls + more.calls,
          new Units(
              units.requests() + more.units.requests(),
              units.chatMessages() + more.units.chatMessages(),
              units.streamedCharacters() + more.units.streamedCharacters()));
    }
  }

  /**
   * Reads the whole outbox.
   *
   * @param since events before it are left out
   * @param key what to sum by
   */
  public static UsageSum of(Path outbox, Instant since, Function<UsageEvent, String> key)
      throws IOException {
    Map<String, Line> lines = new HashMap<>();
    long unreadable = 0;
    SequencedSet<String> lately = new LinkedHashSet<>();
    try (OutboxReader reader = OutboxReader.fromStart(new Segments(outbox))) {
      for (byte[] line = reader.next(); line != null; line = reader.next()) {
        UsageEvent event = UsageEvent.parse(line);
        if (event == null) {
          unreadable += line.length == 0 ? 0 : 1;
        } else if (!event.time().isBefore(since) && lately.add(event.id())) {
          lines.merge(key.apply(event), new Line(1, event.units()), Line::plus);
          if (lately.size() > CLOSE) {
            lately.removeFirst();
          }
        }
      }
    }
    return new UsageSum(lines, unreadable);
  }
}
