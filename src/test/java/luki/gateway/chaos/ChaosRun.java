package luki.gateway.chaos;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReferenceArray;
import luki.gateway.chaos.Caller.Sent;
import luki.gateway.json.Json;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.Relay;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;

/**
 * Two gateways on one Redis, callers of every kind, and services that break by a plan; one gateway
 * is replaced in between. What is not true at the end is said with the request that shows it.
 */
public final class ChaosRun {
  static final int GATEWAYS = 2;
  private static final int CALLERS = 16;
  private static final int MAX_PROBLEMS = 20;
  private static final Duration SOON = Duration.ofSeconds(20);

  /** After the last fault: until nothing of it is left, and then for a proof. */
  private static final Duration AFTERWARDS = Duration.ofSeconds(9);

  private final long seed;
  private final Duration time;
  private final FaultPlan plan;
  private final Map<String, Relay> relays = new HashMap<>();
  private final AtomicReferenceArray<TestGateway> gateways = new AtomicReferenceArray<>(GATEWAYS);
  private final List<String> keys = new ArrayList<>();
  private final List<String> log = new ArrayList<>();
  private final ConcurrentLinkedQueue<String> problems = new ConcurrentLinkedQueue<>();
  private final Map<String, Integer> statuses = new ConcurrentHashMap<>();
  private final Map<String, Integer> failures = new ConcurrentHashMap<>();
  private final HttpClient client = HttpClient.newHttpClient();
  private long began;
  private volatile long replacedFrom = Long.MAX_VALUE;
  private volatile long replacedTo = Long.MAX_VALUE;
  private volatile boolean over;

  /** The same seed makes the same plan and the same requests. */
  public ChaosRun(long seed, Duration time) {
    this.seed = seed;
    this.time = time;
    this.plan =
        new FaultPlan(seed, Set.of("agent", "memory", "engagement", "security", "redis"), time);
  }

  /** Arguments: the seed, and the seconds with faults. */
  public static void main(String[] arguments) throws Exception {
    long seed = Long.parseLong(arguments[0]);
    int seconds = Integer.parseInt(arguments[1]);
    System.out.println("seed " + seed + ", " + seconds + " s with faults");
    ChaosRun run = new ChaosRun(seed, Duration.ofSeconds(seconds));
    List<String> broken = run.run();
    System.out.println(run.summary());
    broken.forEach(System.out::println);
    System.exit(broken.isEmpty() ? 0 : 1);
  }

  /** Runs it; what was broken, empty where all is well. */
  public List<String> run() throws Exception {
    try (StandIns services = StandIns.start();
        RedisProcess redis = RedisProcess.start()) {
      for (String service : List.of("agent", "memory", "engagement", "security")) {
        relays.put(service, Relay.to(URI.create(services.url(service)).getPort()));
      }
      relays.put("redis", Relay.to(redis.port()));
      Path directory = Files.createTempDirectory("chaos");
      Resources before = null;
      try {
        gateways.set(0, gateway(services, directory));
        gateways.set(1, gateway(services, directory));
        List<Caller> callers = callers(services);
        before = Resources.now();
        callThrough(callers, services, directory);
      } finally {
        over = true;
        client.close();
        for (int i = 0; i < GATEWAYS; i++) {
          if (gateways.get(i) != null) {
            end(gateways.get(i));
          }
        }
        relays.values().forEach(Relay::close);
      }
      services.forget();
      everyRequestHasOneLine();
      Resources base = before;
      Waiting.until(SOON, Resources::now, now -> now.isWithin(base));
    }
    return List.copyOf(problems);
  }

  private TestGateway gateway(StandIns services, Path directory) {
    TestGateway.Builder builder =
        TestGateway.builder()
            .with(services.urls())
            .with("API_KEYS_FILE", directory.resolve("keys.json").toString())
            .with("REDIS_URL", "redis://127.0.0.1:" + relays.get("redis").port())
            .with("RATE_LIMIT_PER_MIN", "600000")
            .with("SHUTDOWN_GRACE_S", "5")
            .yaml("total: 60s", "total: 3s")
            .yaml("total: 30s", "total: 2s")
            .yaml("total: 10s", "total: 2s")
            .yaml("first_event: 60s", "first_event: 2s")
            .yaml("between_events: 120s", "between_events: 2s");
    relays.forEach(
        (service, relay) -> {
          String variable = StandIns.VARIABLE_OF_SERVICE.get(service);
          if (variable != null) {
            builder.with(variable, "http://127.0.0.1:" + relay.port());
          }
        });
    TestGateway gateway = builder.start();
    gateway.refreshKeys();
    gateway.awaitReady();
    return gateway;
  }

  private List<Caller> callers(StandIns services) {
    List<Caller> callers = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      Caller caller = new Caller(this, i, seed);
      services.grant(caller.user(), "elr_memories", "analytics", "personalization");
      String[] scopes = {"chat:write", "elr:write", "engagement:write", "engagement:read"};
      keys.add(gateways.get(0).key(List.of(caller.user()), scopes));
      callers.add(caller);
    }
    for (int i = 0; i < GATEWAYS; i++) {
      gateways.get(i).refreshKeys();
    }
    return callers;
  }

  private void callThrough(List<Caller> callers, StandIns services, Path directory)
      throws InterruptedException {
    began = System.nanoTime();
    List<Thread> threads = new ArrayList<>();
    callers.forEach(caller -> threads.add(Thread.ofVirtual().start(caller::call)));
    Thread replacing = Thread.ofVirtual().start(() -> replace(services, directory));
    plan.run(relays, began);
    replacing.join();
    Thread.sleep(AFTERWARDS);
    over = true;
    for (Thread thread : threads) {
      if (!thread.join(Duration.ofSeconds(40))) {
        problems.add("a request that is never answered");
      }
    }
    for (int i = 0; i < GATEWAYS; i++) {
      nothingIsInFlight(gateways.get(i));
    }
  }

  /** Replaces a gateway as a rolling restart does: the new one serves before the old one drains. */
  private void replace(StandIns services, Path directory) {
    try {
      Thread.sleep(time.dividedBy(2));
      TestGateway old = gateways.get(0);
      TestGateway fresh = gateway(services, directory);
      replacedFrom = System.nanoTime();
      gateways.set(0, fresh);
      old.drain();
      replacedTo = System.nanoTime();
      end(old);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private void end(TestGateway gateway) {
    synchronized (log) {
      log.addAll(gateway.log());
    }
    gateway.close();
  }

  boolean isOver() {
    return over;
  }

  HttpClient client() {
    return client;
  }

  String url(int gateway) {
    return "http://127.0.0.1:" + gateways.get(gateway).port();
  }

  String key(int caller) {
    return keys.get(caller);
  }

  void answered(Sent sent, int status) {
    if (statuses.put(sent.id(), status) != null) {
      broken(sent, "answered twice");
    }
  }

  /** A failure must have a cause that the plan injected, and a status that says so. */
  void failed(Sent sent, String what) {
    failures.merge(sent.kind() + " " + what, 1, Integer::sum);
    long now = System.nanoTime();
    boolean replaced = what.contains("DRAINING") && replacedFrom <= now && sent.at() <= replacedTo;
    boolean known = (what.startsWith("50") && !what.startsWith("500")) || what.startsWith("event ");
    if (!replaced
        && !(known && plan.explains(sent.kind().services(), sent.at() - began, now - began))) {
      broken(sent, what + " without an injected cause");
    }
  }

  void broken(Sent sent, String what) {
    if (problems.size() < MAX_PROBLEMS) {
      long at = Duration.ofNanos(System.nanoTime() - began).toMillis();
      problems.add(sent.kind() + " " + sent.id() + " at " + at + " ms: " + what);
    }
  }

  long answered() {
    return statuses.size();
  }

  private void nothingIsInFlight(TestGateway gateway) {
    Waiting.until(SOON, () -> gateway.metric("luki_gateway_streams").equals("0.0"));
    // The one that asks.
    Waiting.until(SOON, () -> gateway.metric("http_server_active_requests").equals("1.0"));
    long streams =
        gateway.log().stream()
            .filter(line -> line.contains("\"/v1/chat/stream\"") && line.contains("\"status\":200"))
            .count();
    double outcomes = 0;
    for (String line : gateway.stranger().get("/metrics").body().lines().toList()) {
      if (line.startsWith("luki_gateway_stream_outcomes_total{")) {
        outcomes += Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
      }
    }
    if (streams != outcomes) {
      problems.add(streams + " streams in the log, " + outcomes + " outcomes in the metrics");
    }
  }

  /** What a caller saw is in the access log, once and with the same status. */
  private void everyRequestHasOneLine() throws Exception {
    Map<String, List<Long>> logged = new HashMap<>();
    for (String line : log) {
      Json entry = Json.parse(line.getBytes(StandardCharsets.UTF_8));
      logged
          .computeIfAbsent(entry.at("request_id").string(""), _ -> new ArrayList<>())
          .add(entry.at("status").integer().orElse(0));
    }
    statuses.forEach(
        (id, status) -> {
          List<Long> lines = logged.getOrDefault(id, List.of());
          if (!lines.equals(List.of((long) status)) && problems.size() < MAX_PROBLEMS) {
            problems.add(id + " was answered with " + status + ", its lines in the log: " + lines);
          }
        });
  }

  /** What was sent and how it ended. */
  public String summary() {
    return "seed %d: %d faults, %d requests answered, failures %s"
        .formatted(seed, plan.size(), statuses.size(), new TreeMap<>(failures));
  }

  /** What the process holds, when it does nothing. */
  private record Resources(long descriptors, int threads, long heapBytes) {
    private static final long SLACK_BYTES = 24L << 20;
    private static final int SLACK = 8;

    static Resources now() {
      System.gc();
      UnixOperatingSystemMXBean system =
          ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class);
      return new Resources(
          system.getOpenFileDescriptorCount(),
          ManagementFactory.getThreadMXBean().getThreadCount(),
          ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }

    boolean isWithin(Resources base) {
      return descriptors <= base.descriptors * 1.05 + SLACK
          && threads <= base.threads * 1.05 + SLACK
          && heapBytes <= base.heapBytes * 1.05 + SLACK_BYTES;
    }
  }
}
