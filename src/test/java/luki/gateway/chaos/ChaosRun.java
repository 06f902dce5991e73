package luki.gateway.chaos;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.Stream;
import luki.gateway.chaos.Caller.Sent;
import luki.gateway.chaos.JobReceiver.Result;
import luki.gateway.json.Json;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.Relay;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;

/**
 * Two gateways on one Redis, callers of every kind, and services that break by a plan; one gateway
 * is replaced in between. What is not true at the end is said with the request that shows it.
 */
public final class ChaosRun implements Load {
  private static final int GATEWAYS = 2;
  private static final int CALLERS = 16;
  private static final String BILLS = "bills-";
  private static final int MAX_PROBLEMS = 20;

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
  private final Map<String, Accepted> jobs = new ConcurrentHashMap<>();
  private final Map<String, Long> statusesOfCalls = new HashMap<>();
  private final List<String> webhooks = new ArrayList<>();
  private final AtomicLong billed = new AtomicLong();
  private final AtomicInteger started = new AtomicInteger();
  private final HttpClient client = HttpClient.newHttpClient();
  private long began;
  private volatile long replacedFrom = Long.MAX_VALUE;
  private volatile long replacedTo = Long.MAX_VALUE;
  private volatile boolean over;

  /** A request that became a job. */
  private record Accepted(int caller, Sent sent) {}

  /** The same seed makes the same plan and the same requests. */
  public ChaosRun(long seed, Duration time) {
    this.seed = seed;
    this.time = time;
    this.plan =
        new FaultPlan(seed, Set.of("agent", "memory", "engagement", "security", "redis"), time);
  }

  /** Runs it; what was broken, empty where all is well. */
  public List<String> run() throws Exception {
    try (StandIns services = StandIns.start();
        RedisProcess redis = RedisProcess.start();
        JobReceiver receiver = new JobReceiver()) {
      for (String service : List.of("agent", "memory", "engagement", "security")) {
        relays.put(service, Relay.to(URI.create(services.url(service)).getPort()));
      }
      relays.put("redis", Relay.to(redis.port()));
      Path directory = Files.createTempDirectory("chaos");
      try {
        gateways.set(0, gateway(services, directory));
        gateways.set(1, gateway(services, directory));
        List<Caller> callers = callers(services, receiver);
        callThrough(callers, services, directory);
        everyJobHasItsResult(receiver);
        for (int i = 0; i < GATEWAYS; i++) {
          nothingIsInFlight(gateways.get(i));
        }
      } finally {
        over = true;
        client.close();
        for (int i = 0; i < GATEWAYS; i++) {
          TestGateway gateway = gateways.get(i);
          if (gateway != null) {
            end(gateway);
          }
        }
        relays.values().forEach(Relay::close);
        everyAnswerIsBilledOnce(directory);
        delete(directory);
      }
      everyRequestHasOneLine();
    }
    return List.copyOf(problems);
  }

  private void everyAnswerIsBilledOnce(Path directory) throws IOException {
    long lines = 0;
    try (Stream<Path> all = Files.list(directory)) {
      for (Path each :
          all.filter(file -> file.getFileName().toString().startsWith(BILLS)).toList()) {
        lines += Files.readAllLines(each).size();
      }
    }
    if (lines != billed.get()) {
      problems.add(lines + " bills for " + billed + " answers that are billed");
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  private TestGateway gateway(StandIns services, Path directory) {
    TestGateway.Builder builder =
        TestGateway.builder()
            .with(services.urls())
            .with("API_KEYS_FILE", directory.resolve("keys.json").toString())
            .with("REDIS_URL", "redis://127.0.0.1:" + relays.get("redis").port())
            .with("RATE_LIMIT_PER_MIN", "600000")
            .with("SHUTDOWN_GRACE_S", "5")
            .webhooks()
            .with("USAGE_OUTBOX", directory.resolve(BILLS + started.incrementAndGet()).toString())
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

  private List<Caller> callers(StandIns services, JobReceiver receiver) {
    List<Caller> callers = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      Caller caller = new Caller(this, i, seed, Caller.Kind.without(Caller.Kind.LONG_STREAM));
      services.grant(caller.user(), "elr_memories", "analytics", "personalization");
      String[] scopes = {
        "chat:write", "elr:write", "engagement:write", "engagement:read", "webhooks:write"
      };
      keys.add(gateways.get(0).key(List.of(caller.user()), scopes));
      callers.add(caller);
    }
    for (int i = 0; i < GATEWAYS; i++) {
      gateways.get(i).refreshKeys();
    }
    for (String key : keys) {
      String wanted = "{\"url\":\"" + receiver.url() + "\"}";
      Json webhook = stays(key).post("/v1/webhooks", wanted).expect(201).json();
      webhooks.add(webhook.at("id").string(""));
    }
    return callers;
  }

  /** A caller of the gateway that is not replaced. */
  private Client stays(String key) {
    return new Client(gateways.get(GATEWAYS - 1), key);
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

  @Override
  public int gateways() {
    return GATEWAYS;
  }

  @Override
  public String webhook(int caller) {
    return webhooks.get(caller);
  }

  @Override
  public void accepted(int caller, Sent sent, String job) {
    jobs.put(job, new Accepted(caller, sent));
  }

  @Override
  public boolean isOver() {
    return over;
  }

  @Override
  public HttpClient client() {
    return client;
  }

  @Override
  public String url(int gateway) {
    return "http://127.0.0.1:" + gateways.get(gateway).port();
  }

  @Override
  public String key(int caller) {
    return keys.get(caller);
  }

  @Override
  public void answered(Sent sent, int status) {
    if (statuses.put(sent.id(), status) != null) {
      broken(sent, "answered twice");
    }
  }

  @Override
  public void billed(Sent sent) {
    long _ = billed.incrementAndGet();
  }

  /** It must have a cause that the plan injected, and a status that says so. */
  @Override
  public void failed(Sent sent, String what) {
    failed(sent, what, System.nanoTime());
  }

  private void failed(Sent sent, String what, long now) {
    failures.merge(sent.kind() + " " + what, 1, Integer::sum);
    boolean ofDrain = what.contains("DRAINING") || what.equals("503 of a handshake");
    boolean replaced = ofDrain && replacedFrom <= now && sent.at() <= replacedTo;
    boolean known = (what.startsWith("50") && !what.startsWith("500")) || what.startsWith("event ");
    if (!replaced
        && !(known && plan.explains(sent.kind().services(), sent.at() - began, now - began))) {
      broken(sent, what + " without an injected cause");
    }
  }

  @Override
  public void broken(Sent sent, String what) {
    if (problems.size() < MAX_PROBLEMS) {
      long at = Duration.ofNanos(System.nanoTime() - began).toMillis();
      problems.add(sent.kind() + " " + sent.id() + " at " + at + " ms: " + what);
    }
  }

  /** How many requests were answered. */
  int answered() {
    return statuses.size();
  }

  /** Each was pushed until it was taken, and then no more. */
  private void everyJobHasItsResult(JobReceiver receiver) {
    for (Map.Entry<String, Accepted> job : jobs.entrySet()) {
      Client caller = stays(key(job.getValue().caller));
      Json state =
          Waiting.until(
              () -> caller.get("/v1/jobs/" + job.getKey()).expect(200).json(),
              found -> !Set.of("running", "pending").contains(found.at("state").string("")));
      Result result = receiver.results().get(job.getKey());
      if (result == null || !result.taken()) {
        broken(job.getValue().sent, "a job without its result: " + state);
      } else {
        result(job.getValue().sent, result.data(), result.at());
      }
    }
    Path results = gateways.get(GATEWAYS - 1).directory().resolve("webhooks.results");
    Waiting.until(() -> results.toFile().list().length == 0);
    receiver.repeated().forEach(id -> problems.add(id + " was taken and pushed again"));
    if (!jobs.keySet().containsAll(receiver.results().keySet())) {
      problems.add("results of jobs that nobody began");
    }
  }

  private void result(Sent sent, Json data, long at) {
    long status = data.at("status").integer().orElse(0);
    statusesOfCalls.put(sent.id(), status);
    if (status >= 300) {
      failed(sent, status + " " + data.at("body").pointer("/error/code").string(""), at);
      return;
    }
    billed(sent);
    if (!data.at("body").toString().contains(sent.mark())) {
      broken(sent, "the result of another job: " + data);
    }
  }

  private void nothingIsInFlight(TestGateway gateway) {
    Waiting.until(() -> gateway.metric("luki_gateway_streams").equals("0.0"));
    // The one that asks.
    Waiting.until(() -> gateway.metric("http_server_active_requests").equals("1.0"));
    double outcomes = 0;
    for (String line : gateway.stranger().get("/metrics").body().lines().toList()) {
      if (line.startsWith("luki_gateway_stream_outcomes_total{")) {
        outcomes += Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
      }
    }
    // A line is written a moment after its request is over.
    double ended = outcomes;
    Waiting.until(() -> streamsInTheLog(gateway), streams -> streams == ended);
  }

  private static long streamsInTheLog(TestGateway gateway) {
    return gateway.log().stream()
        .filter(line -> line.contains("\"/v1/chat/stream\"") && line.contains("\"status\":200"))
        .count();
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
          // The call of a job is logged too, perhaps before the answer that accepts the job.
          Long call = statusesOfCalls.get(id);
          List<Long> expected =
              call == null
                  ? List.of((long) status)
                  : Stream.of((long) status, call).sorted().toList();
          if (!lines.stream().sorted().toList().equals(expected)
              && problems.size() < MAX_PROBLEMS) {
            problems.add(id + " was answered with " + status + ", its lines in the log: " + lines);
          }
        });
  }

  /** What was sent and how it ended. */
  public String summary() {
    return "seed %d: %d faults, %d requests answered, %d jobs, %d bills, failures %s"
        .formatted(
            seed, plan.size(), statuses.size(), jobs.size(), billed.get(), new TreeMap<>(failures));
  }
}
