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
import java.util.TreeMap;
import java.util.function.Function;
import luki.gateway.app.Configuration;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.Durations;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.delivery.UsageEvent;
import luki.gateway.delivery.UsageSum;

/** {@code usage}: sums the usage events of the outbox. */
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
          default -> throw new BadUsage("--by must be plan or principal");
        };
    Path outbox = outbox();
    UsageSum sum = UsageSum.of(outbox, from, key);
    print(by == null ? "plan" : by, sum);
    if (sum.lines().isEmpty()) {
      err.println("no events in " + outbox + ": the gateway writes them with this USAGE_OUTBOX");
    }
    return 0;
  }

  private static Path outbox() throws BadConfiguration {
    Path name = Configuration.ofProcess().settings().usage().outbox();
    if (name == null) {
      throw new BadConfiguration("USAGE_OUTBOX: must be the gateway's, whose lines are summed up");
    }
    return name;
  }

  /** A day, a moment, or how long ago; the message for anything else has an example of each. */
  private Instant instant(String text) throws BadUsage {
    Duration age = Durations.parse(text);
    if (age != null) {
      return clock.instant().minus(age);
    }
    try {
      return text.length() == 10
          ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant()
          : Instant.parse(text);
    } catch (DateTimeException malformed) {
      throw new BadUsage(
          "--since must be a day (2026-11-01), a moment (2026-11-01T12:00:00Z) or 30d");
    }
  }

  private void print(String by, UsageSum sum) {
    Table table = new Table();
    table.add(by, "calls", "requests", "chat_messages", "streamed_characters");
    new TreeMap<>(sum.lines())
        .forEach(
            (key, line) ->
                table.add(
                    key,
                    Long.toString(line.calls()),
                    Long.toString(line.units().requests()),
                    Long.toString(line.units().chatMessages()),
                    Long.toString(line.units().streamedCharacters())));
    table.print(out);
    if (sum.unreadable() > 0) {
      err.println("skipped: " + sum.unreadable() + " lines that are not events");
    }
  }
}
