package luki.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import luki.bench.BenchSetup.Child;
import luki.bench.BenchSetup.Contender;
import luki.bench.Load.Workload;
import luki.gateway.testing.Processes;

/** {@code make bench}: everything side by side in one run. */
public final class Bench {
  private static final int BEYOND_LIMIT = 1000;
  private static final String USAGE =
      """
      usage: make bench [QUICK=1] [WRITE=1] [ARGS="--pairs edge/wire,jdk/jdk --rounds 3 --seconds 10
        --streams 5000 --only-limits --only-overload --only-sockets --idle 10000 --keys 1000"]
      """;
  private static final List<String> SWITCHES =
      List.of("--quick", "--write", "--only-limits", "--only-overload", "--only-sockets");
  private static final Duration ASIDE = Duration.ofSeconds(5);
  private static final String NO_LIMITS = "no limits";
  private static final String OURS = Contender.ours("edge", "wire");

  private final Map<String, String> flags;
  private final Report report = new Report();

  private Bench(Map<String, String> flags) {
    this.flags = flags;
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> flags = new LinkedHashMap<>();
    flags.put("--pairs", "edge/wire,jdk/jdk");
    flags.put("--rounds", "3");
    flags.put("--seconds", "10");
    flags.put("--streams", "5000");
    flags.put("--idle", "10000");
    flags.put("--keys", "1000");
    boolean quick = List.of(arguments).contains("--quick");
    boolean write = List.of(arguments).contains("--write");
    String only =
        SWITCHES.stream()
            .filter(one -> one.startsWith("--only-") && List.of(arguments).contains(one))
            .findFirst()
            .orElse("");
    for (int i = 0; i < arguments.length; i++) {
      if (flags.containsKey(arguments[i]) && i + 1 < arguments.length) {
        flags.put(arguments[i], arguments[i + 1]);
        i++;
      } else if (!SWITCHES.contains(arguments[i])) {
        System.err.print(USAGE);
        System.exit(2);
      }
    }
    int code = 1;
    try {
      new Bench(flags).run(quick, write && only.isEmpty(), only);
      code = 0;
    } catch (IOException | RuntimeException failed) {
      System.err.println("bench: " + failed + "; see target/bench");
    } finally {
      System.exit(code);
    }
  }

  private int number(String flag) {
    return Integer.parseInt(flags.get(flag));
  }

  private void run(boolean quick, boolean write, String only) throws Exception {
    Path directory = Path.of("target/bench").toAbsolutePath();
    Files.createDirectories(directory);
    Duration time = Duration.ofSeconds(quick ? 3 : number("--seconds"));
    int rounds = quick ? 2 : number("--rounds");
    List<String> pairs = List.of(flags.get("--pairs").split(",", -1));
    try (BenchSetup setup = new BenchSetup(directory, number("--keys"))) {
      setup.startContenders(pairs);
      Load load = new Load(directory);
      report.say(
          "Run of "
              + LocalDate.now(ZoneOffset.UTC)
              + " on "
              + Runtime.getRuntime().availableProcessors()
              + " cores, load by "
              + load.generator()
              + ", "
              + rounds
              + " rounds of "
              + time.toSeconds()
              + " s; medians, ratios within a round.");
      Rounds play = new Rounds(setup, load, rounds, time);
      if (only.equals("--only-limits")) {
        limits(setup, load, play);
        return;
      }
      if (only.equals("--only-sockets")) {
        report.say("- " + sockets(setup, load));
        return;
      }
      warmUp(setup, load, quick);
      if (only.equals("--only-overload")) {
        overload(setup);
        return;
      }
      Map<String, Rounds.Throughput> main = play.run(Workload.POST, 64);
      report.table("POST 100 B, reply 150 B, 64 connections", main);
      if (!quick) {
        for (int connections : List.of(1, 16, 512)) {
          report.table(
              "POST 100 B, reply 150 B, "
                  + (connections == 1 ? "1 connection" : connections + " connections"),
              play.run(Workload.POST, connections));
        }
        report.table("GET, reply 10 KB, 64 connections", play.run(Workload.GET, 64));
      }
      extras(setup, load, quick);
      overload(setup);
      limits(setup, load, play);
      if (write) {
        report.write(Report.chart("requests a second, POST, 64 connections", main));
      }
    }
  }

  /** A JVM is as fast as it gets only after a while. */
  private static void warmUp(BenchSetup setup, Load load, boolean quick)
      throws IOException, InterruptedException {
    for (Contender contender : setup.contenders()) {
      System.err.println("warming up: " + contender.name());
      Duration time = Duration.ofSeconds(contender.isOurs() ? (quick ? 8 : 20) : 1);
      load.run(Workload.POST, setup.key(), contender.port(), 64, time);
      if (contender.isOurs() && !quick) {
        load.run(Workload.GET, setup.key(), contender.port(), 64, Duration.ofSeconds(4));
      }
    }
  }

  /** What it costs to count: not at all, in memory, and in a Redis on the same two cores. */
  private void limits(BenchSetup setup, Load load, Rounds play) throws Exception {
    List<Contender> contenders = new ArrayList<>();
    contenders.add(
        setup.gateway(NO_LIMITS, Map.of("RATE_LIMIT_PER_MIN", "0", "AUTH_FAILURES_PER_MIN", "0")));
    contenders.add(setup.gateway("limits in memory", Map.of()));
    int port = Processes.freePort();
    Child redis = setup.redis(port).orElse(null);
    if (redis != null) {
      String url = "redis://127.0.0.1:" + port;
      contenders.add(setup.gateway("limits in Redis", Map.of("REDIS_URL", url)));
    }
    for (Contender contender : contenders) {
      System.err.println("warming up: " + contender.name());
      load.run(Workload.POST, setup.key(), contender.port(), 64, Duration.ofSeconds(20));
    }
    report.limits(NO_LIMITS, play.run(Workload.POST, 64, contenders));
    if (redis != null) {
      Contender last = contenders.getLast();
      double before = redis.cpuSeconds();
      double rate = load.run(Workload.POST, setup.key(), last.port(), 64, ASIDE);
      double each = (redis.cpuSeconds() - before) * 1e6 / (rate * ASIDE.toSeconds());
      report.say("");
      report.say("Redis itself took %.1f µs of the two cores for each request.".formatted(each));
    }
  }

  /** More than can be done, beside proxies that admit everything. */
  private void overload(BenchSetup setup) throws IOException, InterruptedException {
    List<String> rows = new ArrayList<>();
    for (String name : List.of(OURS, Contender.DUTIES, Contender.CADDY)) {
      Contender contender = setup.named(name).orElse(null);
      if (contender != null) {
        rows.add(Overload.row(setup, contender));
      }
    }
    report.say("");
    if (rows.contains("")) {
      report.say("Overload: not measured, since processes cannot be held to a share here.");
      return;
    }
    report.say(
        "**Overload: 600 clients of a gateway on one processor, and 1,800 at 3 times the most that it does;"
            + " who is refused asks again after `Retry-After`; medians of five rounds**");
    report.say("");
    report.say(
        "| through | most a second | p99 at 0.8 of it | successes at 3 times, of the most"
            + " | p99 of successes | of that at 0.8 | refusals a second | p99 of refusals |");
    report.say("| --- | --- | --- | --- | --- | --- | --- | --- |");
    rows.forEach(report::say);
  }

  /**
   * As many streams and WebSockets with 512 MB of heap, of which streams and chats may buffer a
   * third: that is the limit which further streams meet. Then the drain.
   */
  private String sockets(BenchSetup setup, Load load) throws Exception {
    int streams = number("--streams");
    Contender small = setup.gateway("half a gigabyte", "-Xmx512m", Map.of());
    return "with 512 MB of heap, "
        + new Extras(setup, load, small, Objects.requireNonNull(small.child()))
            .streams(streams, streams, streams / 10, BEYOND_LIMIT);
  }

  private void extras(BenchSetup setup, Load load, boolean quick) throws Exception {
    Contender ours = setup.named(OURS).orElse(null);
    Child process = ours == null ? null : ours.child();
    if (ours == null || process == null) {
      return;
    }
    Extras extras = new Extras(setup, load, ours, process);
    report.say("");
    report.say("Of " + OURS + ":");
    report.say("");
    report.say("- " + extras.latency());
    if (!quick) {
      report.say("- " + extras.idle(number("--idle")));
      report.say("- " + extras.streams(number("--streams")));
      report.say("- " + sockets(setup, load));
      if (load.hasWrk()) {
        report.say("- " + extras.callers(Duration.ofSeconds(5)));
      }
    }
  }
}
