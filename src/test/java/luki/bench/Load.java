package luki.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.bench.BenchSetup.Child;
import luki.gateway.testing.RawHttpClient;

/** Generators of load: as many requests as possible, or requests at a fixed rate. */
final class Load {
  private static final Pattern RATE = Pattern.compile("Requests/sec:\\s+([0-9.]+)");
  private static final Pattern WRONG =
      Pattern.compile("Non-2xx or 3xx responses: (\\d+)|Socket errors: (.*)");
  private static final int OPEN_LOOP_CONNECTIONS = 64;

  private final Path directory;
  private final Optional<String> wrk = Child.find("wrk");

  Load(Path directory) {
    this.directory = directory;
  }

  String generator() {
    return wrk.isPresent() ? "wrk" : "the bench's own, in Java (wrk is not installed)";
  }

  /** Requests a second. A reply that is not a success ends the bench: it would flatter. */
  double run(Workload work, String key, int port, int connections, Duration time)
      throws IOException, InterruptedException {
    if (wrk.isEmpty()) {
      return closedLoop(work.bytes(key), port, connections, time);
    }
    Path script = Files.writeString(directory.resolve("load.lua"), work.wrkScript(key));
    return runScript(script, work, port, connections, time);
  }

  boolean hasWrk() {
    return wrk.isPresent();
  }

  /** Requests a second that a script of wrk's makes. */
  double runScript(Path script, Workload work, int port, int connections, Duration time)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                List.of(
                    wrk.orElseThrow(),
                    "-t1",
                    "-c" + connections,
                    "-d" + time.toSeconds() + "s",
                    "-s" + script,
                    "http://127.0.0.1:" + port + work.path()))
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    Matcher rate = RATE.matcher(said);
    Matcher wrong = WRONG.matcher(said);
    if (!rate.find() || wrong.find()) {
      throw new IOException("the load did not go well:\n" + said);
    }
    return Double.parseDouble(rate.group(1));
  }

  /** Each connection asks again as soon as it is answered. Requests a second. */
  static double closedLoop(byte[] request, int port, int connections, Duration time)
      throws IOException {
    LongAdder done = new LongAdder();
    AtomicReference<IOException> failed = new AtomicReference<>();
    long end = System.nanoTime() + time.toNanos();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < connections; i++) {
        threads.execute(
            () -> {
              try (RawHttpClient client = new RawHttpClient(port)) {
                while (System.nanoTime() - end < 0 && failed.get() == null) {
                  ask(client, request);
                  done.increment();
                }
              } catch (IOException broken) {
                failed.compareAndSet(null, broken);
              }
            });
      }
    }
    check(failed);
    return done.sum() / (time.toNanos() / 1e9);
  }

  /** In milliseconds. */
  record Latency(double p50, double p99) {}

  /**
   * Requests at a fixed rate, timed from when each was due: a reply that keeps others waiting
   * counts for them too.
   */
  static Latency openLoop(byte[] request, int port, double rate, Duration time)
      throws IOException, InterruptedException {
    int count = (int) (rate * time.toMillis() / 1000);
    long[] nanos = new long[count];
    ArrayBlockingQueue<RawHttpClient> idle = new ArrayBlockingQueue<>(OPEN_LOOP_CONNECTIONS);
    AtomicReference<IOException> failed = new AtomicReference<>();
    for (int i = 0; i < OPEN_LOOP_CONNECTIONS; i++) {
      idle.add(new RawHttpClient(port));
    }
    CountDownLatch all = new CountDownLatch(count);
    long gap = (long) (1e9 / rate);
    long start = System.nanoTime() + 1_000_000;
    for (int i = 0; i < count; i++) {
      long due = start + i * gap;
      while (due - System.nanoTime() > 20_000) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      int number = i;
      RawHttpClient client = idle.take();
      Thread.startVirtualThread(
          () -> {
            try {
              ask(client, request);
              nanos[number] = System.nanoTime() - due;
            } catch (IOException broken) {
              failed.compareAndSet(null, broken);
            } finally {
              idle.add(client);
              all.countDown();
            }
          });
      check(failed);
    }
    all.await();
    check(failed);
    for (RawHttpClient client : idle) {
      client.close();
    }
    Arrays.sort(nanos);
    return new Latency(nanos[count / 2] / 1e6, nanos[(int) (count * 0.99)] / 1e6);
  }

  /** Sends the request and reads one whole reply. */
  static void ask(RawHttpClient client, byte[] request) throws IOException {
    client.send(request);
    String reply = client.readReply();
    if (!reply.startsWith("HTTP/1.1 2")) {
      throw new IOException("not a success: " + reply.lines().findFirst().orElse(""));
    }
  }

  private static void check(AtomicReference<IOException> failed) throws IOException {
    if (failed.get() != null) {
      throw failed.get();
    }
  }

  /**
   * A request that everything under test gets, and what the origin answers.
   *
   * @param path as the caller asks for it
   * @param body "" for a GET
   */
  record Workload(String name, String method, String path, String body) {
    /** A hundred bytes to a hundred and fifty: the contract's example of an interaction. */
    static final Workload POST =
        new Workload(
            "POST 100 B",
            "POST",
            "/v1/engagement/interactions",
            "{\"user_id\":\"maria_k\",\"interaction_type\":\"chat\",\"content\":{\"topic\":\"a walk in the garden\"}}");

    static final Workload GET =
        new Workload("GET 10 KB", "GET", "/v1/cognitive/life-story/phases", "");

    /** A script for wrk, which sends the same for each connection. */
    String wrkScript(String key) {
      StringBuilder lua = new StringBuilder();
      lua.append("wrk.method = \"").append(method).append("\"\n");
      lua.append("wrk.path = \"").append(path).append("\"\n");
      lua.append("wrk.headers[\"Authorization\"] = \"Bearer ").append(key).append("\"\n");
      if (!body.isEmpty()) {
        lua.append("wrk.headers[\"Content-Type\"] = \"application/json\"\n");
        lua.append("wrk.body = [[").append(body).append("]]\n");
      }
      return lua.toString();
    }

    byte[] bytes(String key) {
      String head =
          method
              + " "
              + path
              + " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "
              + key
              + "\r\n"
              + (body.isEmpty()
                  ? ""
                  : "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n")
              + "\r\n"
              + body;
      return head.getBytes(StandardCharsets.US_ASCII);
    }
  }
}
