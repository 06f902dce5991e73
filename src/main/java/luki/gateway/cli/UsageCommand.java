package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.function.Function;
import luki.gateway.app.Configuration;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.delivery.UsageEvent;
import luki.gateway.delivery.UsageSum;

/** {@code usage}: what the outbox says that was used. */
record UsageCommand(PrintStream out, PrintStream err, Clock clock) {
  int run(Arguments arguments) throws BadUsage, BadConfiguration, IOException {
    String since = arguments.value("--since");
    String by = arguments.value("--by");
    arguments.end();
    Instant from = since == null ? Instant.EPOCH : instant(since);
    Function<UsageEvent, String> key =
        switch (by == null ? "plan" : by) {
          case "plan" -> UsageEvent::plan;
          case "principal" -> UsageEvent::principal;
          default -> throw new BadUsage("--by is plan or principal");
        };
    UsageSum sum = UsageSum.of(outbox(), from, key);
    print(by == null ? "plan" : by, sum);
    return 0;
  }

  private static Path outbox() throws BadConfiguration {
    Path name = Configuration.ofProcess().settings().usage().outbox();
    if (name == null) {
      throw new BadConfiguration(
          List.of("USAGE_OUTBOX: must name the outbox that is to be summed up"));
    }
    return name;
  }

  /**
   * A day, a moment, or how long ago: {@code 2026-11-01}, {@code 2026-11-01T12:00:00Z}, {@code
   * 30d}.
   */
  private Instant instant(String text) throws BadUsage {
    Duration age = Arguments.ageOf(text);
    if (age != null) {
      return clock.instant().minus(age);
    }
    try {
      return text.length() == 10
          ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
          : Instant.parse(text);
    } catch (DateTimeException malformed) {
      throw new BadUsage("--since is a day (2026-11-01), a moment (2026-11-01T12:00:00Z) or 30d");
    }
  }

  private void print(String by, UsageSum sum) {
    out.printf(
        Locale.ROOT,
        "%-20s %10s %10s %14s %20s%n",
        by,
        "calls",
        "requests",
        "chat_messages",
        "streamed_characters");
    new TreeMap<>(sum.lines())
        .forEach(
            (key, line) ->
                out.printf(
                    Locale.ROOT,
                    "%-20s %10d %10d %14d %20d%n",
                    key,
                    line.calls(),
                    line.units().requests(),
                    line.units().chatMessages(),
                    line.units().streamedCharacters()));
    if (sum.unreadable() > 0) {
      err.println("left out: " + sum.unreadable() + " lines that are no events");
    }
  }
}
