package luki.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import luki.bench.BenchSetup.Child;
import luki.bench.BenchSetup.Contender;
import luki.bench.Load.Workload;
import luki.gateway.testing.Processes;

/**
 * {@code make scaling}: 1, 2 and 4 gateways on one Redis and on a cluster of three, behind HAProxy.
 * For a quiet machine, and one with more processors than two: here they share what there is.
 */
public final class Scaling {
  private static final Path DOCUMENT = Path.of("src/docs/SCALING.md");
  private static final String BEGIN = "<!-- scaling:begin -->\n";
  private static final String END = "<!-- scaling:end -->";
  private static final int LIMIT = 600;
  private static final int BURST_OF_CALLS = 3000;
  private static final int CALLERS = 64;

  private final Path directory = Path.of("target/scaling").toAbsolutePath();
  private final Duration time;
  private final List<String> rows = new ArrayList<>();

  private Scaling(Duration time) {
    this.time = time;
  }

  /** Arguments: --seconds N for each load, --gateways 1,2,4, --write for the document. */
  public static void main(String[] arguments) throws Exception {
    List<String> given = List.of(arguments);
    int code = 1;
    try {
      Duration time = Duration.ofSeconds(Integer.parseInt(value(given, "--seconds", "10")));
      String[] counts = value(given, "--gateways", "1,2,4").split(",", -1);
      new Scaling(time).run(counts, given.contains("--write"));
      code = 0;
    } catch (IOException | RuntimeException failed) {
      System.err.println("scaling: " + failed + "; see target/scaling");
    } finally {
      System.exit(code);
    }
  }

  private static String value(List<String> given, String flag, String otherwise) {
    int at = given.indexOf(flag);
    return at < 0 ? otherwise : given.get(at + 1);
  }

  private void run(String[] counts, boolean write) throws Exception {
    Files.createDirectories(directory);
    say("Run of " + LocalDate.now(ZoneOffset.UTC) + " on " + processors() + " cores.");
    say("");
    say("| Redis | gateways | requests/s at 64, 256 and 1,024 connections | exactness |");
    say("| --- | --- | --- | --- |");
    for (int nodes : List.of(1, 3)) {
      for (String gateways : counts) {
        measure(nodes, Integer.parseInt(gateways));
      }
    }
    if (write) {
      String text = Files.readString(DOCUMENT);
      int from = text.indexOf(BEGIN) + BEGIN.length();
      String table = String.join("\n", rows) + "\n";
      Files.writeString(
          DOCUMENT, text.substring(0, from) + table + text.substring(text.indexOf(END)));
    }
  }

  private void say(String row) {
    rows.add(row);
    System.out.println(row);
  }

  private static int processors() {
    return Runtime.getRuntime().availableProcessors();
  }

  private void measure(int nodes, int gateways) throws Exception {
    List<String> rates = new ArrayList<>();
    List<Child> children = new ArrayList<>();
    try (BenchSetup setup = new BenchSetup(directory, 10)) {
      String redis = redis(nodes, children);
      int port = behindBalancer(setup, gateways, Map.of("REDIS_URL", redis), children);
      Load load = new Load(directory);
      // A JVM is as fast as it gets only after a while.
      load.run(Workload.POST, setup.key(), port, 64, time.multipliedBy(gateways));
      for (int connections : List.of(64, 256, 1024)) {
        rates.add("%.0f".formatted(load.run(Workload.POST, setup.key(), port, connections, time)));
      }
      Map<String, String> limited =
          Map.of("REDIS_URL", redis, "RATE_LIMIT_PER_MIN", Integer.toString(LIMIT));
      String exact = exactness(setup, behindBalancer(setup, gateways, limited, children));
      String name = nodes == 1 ? "one" : "cluster of " + nodes;
      say("| " + name + " | " + gateways + " | " + String.join(", ", rates) + " | " + exact + " |");
    } finally {
      children.reversed().forEach(Child::close);
    }
  }

  /** Starts it; a node of a cluster listens for the others on its port + 10,000 too. */
  private String redis(int nodes, List<Child> children) throws Exception {
    String program = needed("redis-server");
    List<String> addresses = new ArrayList<>();
    for (int i = 0; i < nodes; i++) {
      int port = Processes.freePort();
      Path place = Files.createDirectories(directory.resolve("redis-" + port));
      List<String> command =
          new ArrayList<>(List.of(program, "--port", Integer.toString(port), "--save", ""));
      command.addAll(List.of("--bind", "127.0.0.1", "--dir", place.toString()));
      if (nodes > 1) {
        command.addAll(List.of("--cluster-enabled", "yes"));
      }
      Child node = Child.start(place.resolve("output"), Map.of(), command);
      children.add(node);
      node.awaitPort(port);
      addresses.add("127.0.0.1:" + port);
    }
    if (nodes > 1) {
      List<String> command = new ArrayList<>(List.of(needed("redis-cli"), "--cluster", "create"));
      command.addAll(addresses);
      command.add("--cluster-yes");
      Process made = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(made.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (made.waitFor() != 0) {
        throw new IOException(said);
      }
    }
    return "redis://" + String.join(",redis://", addresses);
  }

  /** So many gateways behind the HAProxy of config/deploy; the port that it listens on. */
  private int behindBalancer(
      BenchSetup setup, int count, Map<String, String> variables, List<Child> children)
      throws Exception {
    int port = Processes.freePort();
    StringBuilder text = new StringBuilder();
    for (String line : Files.readAllLines(Path.of("config/deploy/haproxy.cfg"))) {
      if (!line.strip().startsWith("server ")) {
        text.append(line.replace("bind :8080", "bind 127.0.0.1:" + port)).append('\n');
      }
    }
    for (int i = 0; i < count; i++) {
      Contender one = setup.gateway("gateway " + i + " " + variables.size(), variables);
      text.append("    server gateway-%d 127.0.0.1:%d%n".formatted(i, one.port()));
    }
    Path file = Files.writeString(directory.resolve("haproxy-" + port + ".cfg"), text);
    Path output = directory.resolve("haproxy-" + port + ".out");
    List<String> command = List.of(needed("haproxy"), "-f", file.toString());
    Child balancer = Child.start(output, Map.of(), command);
    children.add(balancer);
    balancer.awaitPort(port);
    return port;
  }

  private static String needed(String program) throws IOException {
    return Child.find(program)
        .orElseThrow(() -> new IOException(program + " is not installed (make bench-peers)"));
  }

  /** How many calls of one caller pass, against what the limit gives in that time. */
  private static String exactness(BenchSetup setup, int port) throws Exception {
    String body = "{\"user_id\":\"maria_k\",\"interaction_type\":\"chat\",\"content\":{}}";
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + Workload.POST.path()))
            .headers("Authorization", "Bearer " + setup.key(), "Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build();
    AtomicInteger left = new AtomicInteger(BURST_OF_CALLS);
    AtomicInteger passed = new AtomicInteger();
    long begin = System.nanoTime();
    try (HttpClient http = HttpClient.newHttpClient();
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        all.add(
            callers.submit(
                () -> {
                  while (left.getAndDecrement() > 0) {
                    int status = http.send(request, BodyHandlers.discarding()).statusCode();
                    passed.addAndGet(status == 200 ? 1 : 0);
                  }
                  return null;
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    double allowed = LIMIT + LIMIT * seconds / 60;
    return "%d of %d passed, the limit gives %.0f".formatted(passed.get(), BURST_OF_CALLS, allowed);
  }
}
