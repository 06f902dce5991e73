package luki.gateway.delivery;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import luki.gateway.http.Policy.Units;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Segments;

/** Sums the usage events of an outbox. An event that is there twice counts once. */
public final class UsageSum {
  // A batch is written again after a failure took part of it, so copies are near each other.
  private static final int CLOSE = 100_000;

  private final Map<String, Line> lines = new TreeMap<>();
  private long unreadable;

  /** The sum of one plan or principal. */
  public record Line(long calls, Units units) {
    private Line plus(Units more) {
      return new Line(
          calls + 1,
          new Units(
              units.requests() + more.requests(),
              units.chatMessages() + more.chatMessages(),
              units.streamedCharacters() + more.streamedCharacters()));
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
    UsageSum sum = new UsageSum();
    Set<String> lately = Collections.newSetFromMap(new Lately());
    try (OutboxReader reader = OutboxReader.fromStart(new Segments(outbox))) {
      for (byte[] line = reader.next(); line != null; line = reader.next()) {
        sum.add(line, since, key, lately);
      }
    }
    return sum;
  }

  private void add(
      byte[] line, Instant since, Function<UsageEvent, String> key, Set<String> lately) {
    if (line.length == 0) {
      return;
    }
    try {
      UsageEvent event = UsageEvent.of(Json.parse(line));
      if (!event.time().isBefore(since) && lately.add(event.id())) {
        lines.merge(
            key.apply(event), new Line(1, event.units()), (old, one) -> old.plus(one.units()));
      }
    } catch (InvalidJson | IllegalArgumentException torn) {
      unreadable++;
    }
  }

  private static final class Lately extends LinkedHashMap<String, Boolean> {
    private static final long serialVersionUID = 1;

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
      return size() > CLOSE;
    }
  }

  public Map<String, Line> lines() {
    return Map.copyOf(lines);
  }

  /** Lines that are not events: a crash left them unfinished. */
  public long unreadable() {
    return unreadable;
  }
}
