package luki.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import luki.bench.BenchSetup.Child;
import luki.bench.BenchSetup.Contender;
import luki.bench.Load.Workload;
import luki.gateway.testing.Processes;
import luki.gateway.testing.RawHttpClient;

/** What a table of throughputs does not show: latency, idle connections, streams, many callers. */
record Extras(BenchSetup setup, Load load, Contender ours, Child process) {
  private static final Duration STREAM_TIME = Duration.ofSeconds(15);
  private static final Duration LATENCY_TIME = Duration.ofSeconds(5);

  /**
   * Added to the way without anything between, at half of what the bench's own generator gets
   * through us, for which it needs more of the processors than wrk: by us, and by the others.
   */
  String latency() throws IOException, InterruptedException {
    byte[] request = Workload.POST.bytes(setup.key());
    double rate = Load.closedLoop(request, ours.port(), 64, LATENCY_TIME) / 2;
    List<Contender> contenders = new ArrayList<>(List.of(ours));
    setup.named(Contender.ENGINES).ifPresent(contenders::add);
    setup.named(Contender.DUTIES).ifPresent(contenders::add);
    Map<String, List<Double>> p50 = new LinkedHashMap<>();
    Map<String, List<Double>> p99 = new LinkedHashMap<>();
    int origin = setup.named(Contender.DIRECT).orElseThrow().port();
    for (int round = 0; round < 3; round++) {
      System.err.printf("latency at %.0f requests a second, round %d of 3%n", rate, round + 1);
      Load.Latency direct = Load.openLoop(request, origin, rate, LATENCY_TIME);
      for (Contender contender : contenders) {
        Load.Latency through = Load.openLoop(request, contender.port(), rate, LATENCY_TIME);
        p50.computeIfAbsent(contender.name(), _ -> new ArrayList<>())
            .add(through.p50() - direct.p50());
        p99.computeIfAbsent(contender.name(), _ -> new ArrayList<>())
            .add(through.p99() - direct.p99());
      }
    }
    StringBuilder text = new StringBuilder("latency added at %.0f requests/s".formatted(rate));
    for (Contender contender : contenders) {
      text.append(
          "; %s: p50 %.2f ms, p99 %.2f ms"
              .formatted(
                  contender.name(),
                  Rounds.median(p50.get(contender.name())),
                  Rounds.median(p99.get(contender.name()))));
    }
    return text.toString();
  }

  String idle(int connections) throws IOException {
    System.err.println(connections + " idle connections");
    List<RawHttpClient> open = new ArrayList<>();
    try {
      // The first ones grow what is there once for all of them.
      open(open, 200);
      long before = process.residentKb();
      open(open, connections);
      long each = (process.residentKb() - before) * 1024 / connections;
      long began = System.nanoTime();
      try (RawHttpClient client = new RawHttpClient(ours.port())) {
        Load.ask(client, Workload.POST.bytes(setup.key()));
      }
      return "%d idle connections: %.1f KB of RSS each, a new request took %.1f ms"
          .formatted(connections, each / 1024.0, (System.nanoTime() - began) / 1e6);
    } finally {
      for (RawHttpClient client : open) {
        client.close();
      }
    }
  }

  private void open(List<RawHttpClient> all, int count) throws IOException {
    byte[] request = Workload.GET.bytes(setup.key());
    for (int i = 0; i < count; i++) {
      RawHttpClient client = new RawHttpClient(ours.port());
      if (i % 10 == 0) {
        // Some have served a request before they fell silent.
        Load.ask(client, request);
      }
      all.add(client);
    }
  }

  /** Agent, gateway and readers are processes of their own. */
  String streams(int count) throws IOException, InterruptedException {
    return streams(count, 0, 0, 0);
  }

  /**
   * Streams, and beside them WebSockets, some of which have a chat.
   *
   * @param more streams that are opened in addition at the end, to see the limit; then the gateway
   *     gets SIGTERM. 0: neither
   */
  String streams(int count, int sockets, int chats, int more)
      throws IOException, InterruptedException {
    String what = count + " streams" + (sockets == 0 ? "" : " and " + sockets + " WebSockets, ");
    what += sockets == 0 ? "" : chats + " of them with a chat,";
    System.err.println(what + " at one event a second");
    long before = process.residentKb();
    Process readers =
        new ProcessBuilder(
                Processes.javaCommand(
                    StreamReaders.class,
                    List.of(),
                    Integer.toString(ours.port()),
                    setup.key(),
                    Integer.toString(count),
                    Long.toString(STREAM_TIME.toSeconds()),
                    Integer.toString(sockets),
                    Integer.toString(chats),
                    Integer.toString(more)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader said =
        new BufferedReader(
            new InputStreamReader(readers.getInputStream(), StandardCharsets.UTF_8))) {
      String opened = said.readLine();
      if (!"open".equals(opened)) {
        return what + ": " + opened;
      }
      long each = (process.residentKb() - before) * 1024 / (count + sockets);
      String result =
          "%s at one event a second: %.1f KB of RSS each, %s"
              .formatted(what, each / 1024.0, said.readLine());
      return more == 0 ? result : result + drained(said, more);
    } finally {
      readers.destroyForcibly();
      readers.waitFor();
    }
  }

  private String drained(BufferedReader said, int more) throws IOException, InterruptedException {
    String statuses = said.readLine();
    long told = System.nanoTime();
    process.terminate();
    String ends = said.readLine();
    int exit = process.waitFor();
    return "; %d more streams asked for: %s; after SIGTERM: %s, exit code %d after %.1f s"
        .formatted(more, statuses, ends, exit, (System.nanoTime() - told) / 1e9);
  }

  /** Processor time for each request with one caller and with many. */
  String callers(Duration time) throws IOException, InterruptedException {
    System.err.println(setup.keys().size() + " callers");
    double few = cpu(setup.keys().subList(0, Math.min(10, setup.keys().size())), time);
    double many = cpu(setup.keys(), time);
    return "processor time for each request: %.1f µs with 10 callers, %.1f µs with %d (ratio %.2f)"
        .formatted(few, many, setup.keys().size(), many / few);
  }

  private double cpu(List<String> keys, Duration time) throws IOException, InterruptedException {
    Path script = setup.directory().resolve("callers.lua");
    StringBuilder lua = new StringBuilder(Workload.POST.wrkScript(setup.key()));
    Path list = setup.directory().resolve("callers.txt");
    Files.write(list, keys);
    lua.append("local keys = {}\nfor line in io.lines(\"").append(list).append("\") do\n");
    lua.append("  keys[#keys + 1] = line\nend\nlocal i = 0\nrequest = function()\n");
    lua.append("  i = i % #keys + 1\n  wrk.headers[\"Authorization\"] = \"Bearer \" .. keys[i]\n");
    lua.append("  return wrk.format()\nend\n");
    Files.writeString(script, lua);
    double before = process.cpuSeconds();
    double rate = load.runScript(script, Workload.POST, ours.port(), 64, time);
    return (process.cpuSeconds() - before) * 1e6 / (rate * time.toSeconds());
  }
}
