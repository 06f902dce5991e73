package luki.gateway.chaos;

import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import luki.gateway.chaos.Caller.Kind;
import luki.gateway.chaos.Caller.Sent;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Proxy;
import luki.gateway.testing.Waiting;

/**
 * Two gateway processes behind HAProxy with its file of {@code config/deploy}, restarted in turn
 * under load. No request may fail but a stream, which may end with {@code DRAINING}.
 */
public final class RollingRun implements Load {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final Duration PACE = Duration.ofMillis(20);
  private static final Duration GRACE = Duration.ofSeconds(5);
  private static final int GATEWAYS = 2;
  private static final int CALLERS = 8;
  private static final int LONG_STREAMS = 4;
  private static final int SHORT_CALLERS = 8;
  private static final List<Kind> SHORT = List.of(Kind.TRACK, Kind.METRICS, Kind.STRANGER);
  private static final int MAX_PROBLEMS = 20;
  private static final int REQUESTS_OF_A_SHARE = 20;

  private final int restarts;
  private final int balancer;
  private final List<Integer> ports = new ArrayList<>();
  private final GatewayProcess[] gateways = new GatewayProcess[GATEWAYS];
  private final List<String> keys = new ArrayList<>();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Map<Kind, Integer> answers = new ConcurrentHashMap<>();
  private final Map<String, Integer> ends = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<String> problems = new ConcurrentLinkedQueue<>();
  private final List<Duration> drains = new ArrayList<>();
  private volatile boolean over;

  /** So many restarts, of each gateway in turn. */
  public RollingRun(int restarts) throws IOException {
    this.restarts = restarts;
    this.balancer = Processes.freePort();
    for (int i = 0; i < GATEWAYS; i++) {
      ports.add(Processes.freePort());
    }
  }

  /** Argument: the number of restarts. */
  public static void main(String[] arguments) throws Exception {
    if (!Proxy.HAPROXY.isInstalled()) {
      System.out.println("haproxy is missing (apt-get install haproxy): nothing was tested");
      System.exit(System.getenv("CI") == null ? 0 : 1);
    }
    RollingRun run = new RollingRun(Integer.parseInt(arguments[0]));
    List<String> broken = run.run();
    System.out.println(run.summary());
    broken.forEach(System.out::println);
    System.exit(broken.isEmpty() ? 0 : 1);
  }

  /** Runs it; what was broken, empty where all is well. */
  public List<String> run() throws Exception {
    Path directory = Files.createTempDirectory("rolling");
    try (StandIns services = StandIns.start();
        HttpClient _ = client) {
      ProcessSetting setting = new ProcessSetting(services, directory);
      List<Caller> callers = callers(setting);
      try (Proxy.Running _ = Proxy.HAPROXY.start(directory, balancer, ports)) {
        for (int i = 0; i < GATEWAYS; i++) {
          start(i, setting);
        }
        Waiting.until(() -> Processes.accepts(balancer));
        restartUnderLoad(callers, setting);
      } finally {
        over = true;
        Stream.of(gateways).filter(started -> started != null).forEach(GatewayProcess::close);
      }
    } finally {
      Processes.deleteTree(directory);
    }
    return List.copyOf(problems);
  }

  private List<Caller> callers(ProcessSetting setting) throws Exception {
    List<Caller> callers = new ArrayList<>();
    for (int i = 0; i < CALLERS + LONG_STREAMS + SHORT_CALLERS; i++) {
      List<Kind> kinds =
          i < CALLERS
              ? Kind.without(Kind.LONG_STREAM, Kind.JOB)
              : i < CALLERS + LONG_STREAMS ? List.of(Kind.LONG_STREAM) : SHORT;
      Caller caller = new Caller(this, i, restarts, kinds);
      keys.add(setting.keyFor(caller.user()));
      callers.add(caller);
    }
    return callers;
  }

  /** Starts a gateway and waits until it says that it is ready. */
  private void start(int number, ProcessSetting setting) throws IOException {
    Map<String, String> variables = setting.variables();
    variables.put("PORT", Integer.toString(ports.get(number)));
    variables.put("TRUSTED_PROXIES", "127.0.0.0/8");
    // As in config/deploy/compose.yaml.
    variables.put("DRAIN_DELAY_S", "3");
    variables.put("SHUTDOWN_GRACE_S", Long.toString(GRACE.toSeconds()));
    Path own = Files.createDirectories(setting.directory().resolve("gateway-" + number));
    gateways[number] = GatewayProcess.start(own, List.of(), variables);
    Waiting.until(() -> gateways[number].stranger().get("/readyz").status() == 200);
  }

  private void restartUnderLoad(List<Caller> callers, ProcessSetting setting) throws Exception {
    List<Thread> threads = new ArrayList<>();
    callers.forEach(caller -> threads.add(Thread.ofVirtual().start(caller::call)));
    for (int i = 0; i < GATEWAYS; i++) {
      awaitItsShare(gateways[i]);
    }
    for (int i = 0; i < restarts && problems.isEmpty(); i++) {
      int number = i % GATEWAYS;
      awaitItsShare(gateways[number]);
      drains.add(gateways[number].terminate());
      int exit = gateways[number].process().exitValue();
      if (exit != 0) {
        problems.add("restart " + i + ": exit code " + exit + ", " + gateways[number].err());
      }
      start(number, setting);
      awaitItsShare(gateways[number]);
    }
    over = true;
    for (Thread thread : threads) {
      if (!thread.join(SOON)) {
        problems.add("a request that is never answered");
      }
    }
  }

  /** Until the balancer sends it requests, and not only to the other one. */
  private static void awaitItsShare(GatewayProcess gateway) {
    String requests = "luki_gateway_auth_total{";
    double before = gateway.metric(requests);
    Waiting.until(() -> gateway.metric(requests) >= before + REQUESTS_OF_A_SHARE);
  }

  @Override
  public String url(int gateway) {
    return "http://127.0.0.1:" + balancer;
  }

  @Override
  public HttpClient client() {
    return client;
  }

  @Override
  public String key(int caller) {
    return keys.get(caller);
  }

  @Override
  public boolean isOver() {
    return over;
  }

  @Override
  public void pace() throws InterruptedException {
    Thread.sleep(PACE);
  }

  @Override
  public void answered(Sent sent, int status) {
    answers.merge(sent.kind(), 1, Integer::sum);
  }

  @Override
  public void failed(Sent sent, String what) {
    ends.merge(what, 1, Integer::sum);
    if (!what.equals("event DRAINING")) {
      broken(sent, what);
    }
  }

  @Override
  public void broken(Sent sent, String what) {
    if (problems.size() < MAX_PROBLEMS) {
      problems.add(sent.kind() + " " + sent.id() + " after restart " + drains.size() + ": " + what);
    }
  }

  /** How many requests were answered. */
  int answered() {
    return answers.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** What was sent and how it ended. */
  public String summary() {
    long[] millis = drains.stream().mapToLong(Duration::toMillis).sorted().toArray();
    return "%d restarts, drains of %d to %d ms: %d requests answered %s, streams ended early %s"
        .formatted(
            drains.size(),
            millis.length == 0 ? 0 : millis[0],
            Arrays.stream(millis).max().orElse(0),
            answered(),
            new TreeMap<>(answers),
            new TreeMap<>(ends));
  }
}
