package luki.gateway.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import luki.gateway.chaos.Caller.Kind;
import luki.gateway.chaos.Caller.Sent;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Waiting;

/**
 * A gateway process under load for long, with nothing broken: each request is answered as it must
 * be, and what the process holds at the end is what it held after its first minutes.
 */
public final class SoakRun implements Load {
  /** Their services keep nothing of them. */
  private static final List<Kind> SHORT =
      List.of(Kind.METRICS, Kind.CHAT, Kind.INVALID, Kind.STRANGER);

  // As in production; the processes of other tests live too short for that.
  private static final List<String> COMPILED = List.of("-XX:TieredStopAtLevel=4");

  private static final int CALLERS = 32;
  private static final int STREAMS = 128;
  private static final int MAX_PROBLEMS = 20;
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration IDLE = Duration.ofSeconds(4);
  private static final Duration REPORTS = Duration.ofSeconds(10);

  private final long requests;
  private final long streams;
  private final List<String> keys = new ArrayList<>();
  private final List<Caller> callers = new ArrayList<>();
  private final Map<Kind, AtomicLong> answers = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<String> problems = new ConcurrentLinkedQueue<>();
  private int port;
  private String held = "";

  /** So many requests, and streams beside them. */
  public SoakRun(long requests, long streams) {
    this.requests = requests;
    this.streams = streams;
    for (Kind kind : Kind.values()) {
      answers.put(kind, new AtomicLong());
    }
  }

  /** Arguments: the numbers of requests and of streams. */
  public static void main(String[] arguments) throws Exception {
    SoakRun run = new SoakRun(Long.parseLong(arguments[0]), Long.parseLong(arguments[1]));
    long began = System.nanoTime();
    List<String> broken = run.run();
    System.out.println(run.summary(Duration.ofNanos(System.nanoTime() - began)));
    broken.forEach(System.out::println);
    System.exit(broken.isEmpty() ? 0 : 1);
  }

  /** Runs it; what was broken, empty where all is well. */
  public List<String> run() throws Exception {
    Path directory = Files.createTempDirectory("soak");
    try (StandIns services = StandIns.onEdge()) {
      ProcessSetting setting = new ProcessSetting(services, directory);
      for (int i = 0; i < CALLERS + STREAMS; i++) {
        Caller caller = new Caller(this, i, requests, SHORT);
        keys.add(setting.keyFor(caller.user()));
        callers.add(caller);
      }
      try (GatewayProcess gateway =
          GatewayProcess.start(
              directory, COMPILED, setting.variables(), GatewayProcess.Output.ERRORS)) {
        port = gateway.port();
        soak(gateway, services);
      } catch (AssertionError late) {
        problems.add(late.getMessage() + "; " + held);
      }
    } finally {
      Processes.deleteTree(directory);
    }
    return List.copyOf(problems);
  }

  private void soak(GatewayProcess gateway, StandIns services) throws Exception {
    // A tenth loads, compiles and fills what is kept for long.
    call(services, requests / 10, streams / 10);
    Resources base = mostOf(gateway);
    call(services, requests - requests / 10, streams - streams / 10);
    held = "before " + base;
    Resources after = Waiting.until(SOON, () -> holds(gateway), now -> now.isWithin(base));
    held += ", after " + after;
    same("streams that were completed", streams, outcomes(gateway, "{outcome=\"completed\"}"));
    same("streams that ended", streams, outcomes(gateway, "{"));
    same(
        "requests that were counted",
        answered(),
        gateway.metric("luki_gateway_auth_total{method=\"api_key\",outcome=\"accepted\"}")
            + gateway.metric("luki_gateway_auth_total{method=\"none\",outcome=\"refused\"}"));
  }

  private static double outcomes(GatewayProcess gateway, String labels) {
    return gateway.metric("luki_gateway_stream_outcomes_total" + labels);
  }

  private void same(String what, long wanted, double is) {
    if (wanted != (long) is) {
      problems.add(what + ": " + is + " instead of " + wanted);
    }
  }

  /**
   * The most of what it holds within the period of its probes: each service is asked for its health
   * every ten seconds, over a connection that stays for four.
   */
  private static Resources mostOf(GatewayProcess gateway) throws InterruptedException {
    Resources most = holds(gateway);
    for (int i = 0; i < 2; i++) {
      Thread.sleep(IDLE);
      most = most.mostWith(holds(gateway));
    }
    return most;
  }

  /** What the process holds when nothing is in flight and its garbage is collected. */
  private static Resources holds(GatewayProcess gateway) {
    Waiting.until(SOON, () -> gateway.metric("http_server_active_requests ") == 1);
    try {
      String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
      Process collection =
          new ProcessBuilder(jcmd, Long.toString(gateway.process().pid()), "GC.run")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (collection.waitFor() != 0) {
        throw new AssertionError("jcmd failed");
      }
    } catch (IOException failed) {
      throw new AssertionError(failed);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new AssertionError(stopped);
    }
    return new Resources(
        (long) gateway.metric("process_open_fds "),
        (int) gateway.metric("jvm_threads_current "),
        (long) gateway.metric("jvm_memory_used_bytes{area=\"heap\"}"));
  }

  /** Sends so many of each, waits for their ends, and closes the callers' connections. */
  private void call(StandIns services, long requestsNow, long streamsNow)
      throws InterruptedException {
    AtomicLong requestsLeft = new AtomicLong(requestsNow);
    AtomicLong streamsLeft = new AtomicLong(streamsNow);
    CountDownLatch ended = new CountDownLatch(callers.size());
    for (int i = 0; i < callers.size(); i++) {
      Caller caller = callers.get(i);
      boolean isShort = i < CALLERS;
      Thread.startVirtualThread(
          () -> {
            try {
              call(caller, isShort, isShort ? requestsLeft : streamsLeft);
              caller.leave();
            } catch (IOException failed) {
              throw new UncheckedIOException(failed);
            } finally {
              ended.countDown();
            }
          });
    }
    long before = answered();
    while (!ended.await(REPORTS.toMillis(), TimeUnit.MILLISECONDS)) {
      services.forget();
      long now = answered();
      System.out.printf(
          "%,d answered, %d a second, %,d streams%n",
          now, (now - before) / REPORTS.toSeconds(), answers.get(Kind.CHAT_STREAM).get());
      before = now;
    }
    services.forget();
  }

  private void call(Caller caller, boolean isShort, AtomicLong left) {
    try {
      for (long n = left.getAndDecrement(); n > 0 && !isOver(); n = left.getAndDecrement()) {
        caller.ask(isShort ? SHORT.get((int) (n % SHORT.size())) : Kind.CHAT_STREAM);
      }
    } catch (RuntimeException failed) {
      problems.add(caller.user() + ": " + failed);
    }
  }

  private long answered() {
    return answers.values().stream().mapToLong(AtomicLong::get).sum();
  }

  @Override
  public String url(int gateway) {
    return "http://127.0.0.1:" + port;
  }

  @Override
  public String key(int caller) {
    return keys.get(caller);
  }

  @Override
  public boolean isOver() {
    return !problems.isEmpty();
  }

  @Override
  public void answered(Sent sent, int status) {
    long _ = answers.get(sent.kind()).incrementAndGet();
  }

  @Override
  public void failed(Sent sent, String what) {
    broken(sent, what);
  }

  @Override
  public void broken(Sent sent, String what) {
    if (problems.size() < MAX_PROBLEMS) {
      problems.add(sent.kind() + " " + sent.id() + ": " + what);
    }
  }

  /** What was sent, how fast, and what the process held. */
  public String summary(Duration took) {
    return "%,d answered in %d s, %d a second, %,d of them streams; %s"
        .formatted(
            answered(),
            took.toSeconds(),
            answered() * 1000 / Math.max(1, took.toMillis()),
            answers.get(Kind.CHAT_STREAM).get(),
            held);
  }
}
