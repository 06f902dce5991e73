package luki.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.bench.BenchSetup.Contender;
import luki.bench.Load.Workload;
import luki.gateway.testing.RawHttpClient;

/**
 * Many clients that ask for more than can be done. Each has a connection and a key of its own, and
 * sends when it is due; while it waits for a reply, what is due is not sent, as by somebody who
 * gave up. Who is told when to ask again ({@code Retry-After}) waits until then.
 */
final class Overload {
  private static final int CLIENTS = 600;
  private static final int TIMES = 3;
  private static final Duration TIME = Duration.ofSeconds(6);
  private static final Duration WARM_UP = Duration.ofSeconds(10);
  private static final double AS_MANY_AS_POSSIBLE = 1e6;
  private static final Pattern RETRY_AFTER = Pattern.compile("(?i)\r\nRetry-After: (\\d+)\r\n");

  private Overload() {}

  /**
   * What the clients got in one run.
   *
   * @param goodput successes a second
   * @param refused refusals a second
   * @param p99 milliseconds until a success
   * @param refusedP99 milliseconds until a refusal
   */
  record Result(double goodput, double refused, double p99, double refusedP99) {}

  /**
   * A row of the table: the most that a contender does for these clients on one processor; then 0.8
   * of that; then three times as much, of three times as many clients. Empty where a process cannot
   * be bound to a processor.
   */
  static String row(BenchSetup setup, Contender contender)
      throws IOException, InterruptedException {
    System.err.println("overload: " + contender.name());
    int port = contender.port();
    // The configurations of the others know one key.
    List<String> keys = contender.isOurs() ? setup.keys() : List.of(setup.key());
    List<byte[]> requests = keys.stream().map(Workload.POST::bytes).toList();
    // A JVM compiles what is used often; that must be over before the measurement.
    Result _ = run(requests, port, CLIENTS, AS_MANY_AS_POSSIBLE, WARM_UP);
    List<Long> processes = contender.child() == null ? List.of() : contender.child().pids();
    OneProcessor share = OneProcessor.of(processes).orElse(null);
    if (share == null) {
      return "";
    }
    try (share) {
      double peak = run(requests, port, CLIENTS, AS_MANY_AS_POSSIBLE, TIME).goodput;
      Result usual = run(requests, port, CLIENTS, 0.8 * peak, TIME);
      Result beyond = run(requests, port, TIMES * CLIENTS, TIMES * peak, TIME);
      return "| %s | %,.0f | %.1f ms | %.2f | %.1f ms | %,.0f | %.1f ms |"
          .formatted(
              contender.name(),
              peak,
              usual.p99,
              beyond.goodput / peak,
              beyond.p99,
              beyond.refused,
              beyond.refusedP99);
    }
  }

  /** Sends that many requests a second in all, evenly. */
  static Result run(List<byte[]> requests, int port, int count, double rate, Duration time)
      throws IOException, InterruptedException {
    ConcurrentLinkedQueue<Long> answered = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<Long> refused = new ConcurrentLinkedQueue<>();
    AtomicInteger broken = new AtomicInteger();
    long gap = (long) (count * 1e9 / rate);
    List<RawHttpClient> clients = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        clients.add(new RawHttpClient(port));
      }
      long begin = System.nanoTime();
      for (int i = 0; i < count; i++) {
        RawHttpClient client = clients.get(i);
        byte[] request = requests.get(i % requests.size());
        long first = begin + i * gap / count;
        threads.add(
            Thread.startVirtualThread(
                () -> {
                  try {
                    ask(client, request, first, gap, begin + time.toNanos(), answered, refused);
                  } catch (IOException closed) {
                    broken.incrementAndGet();
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    } finally {
      for (RawHttpClient client : clients) {
        client.close();
      }
    }
    if (broken.get() > 0) {
      throw new IOException(broken + " of the clients were cut off");
    }
    double seconds = time.toNanos() / 1e9;
    return new Result(
        answered.size() / seconds, refused.size() / seconds, p99(answered), p99(refused));
  }

  private static void ask(
      RawHttpClient client,
      byte[] request,
      long first,
      long gap,
      long end,
      ConcurrentLinkedQueue<Long> answered,
      ConcurrentLinkedQueue<Long> refused)
      throws IOException {
    long due = first;
    while (due - end < 0) {
      while (due - System.nanoTime() > 0) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      long sent = System.nanoTime();
      client.send(request);
      String reply = client.readReply();
      long now = System.nanoTime();
      // An empty reply did not come from the origin.
      boolean success = reply.startsWith("HTTP/1.1 2") && !reply.endsWith("\r\n\r\n");
      (success ? answered : refused).add(now - sent);
      Matcher wait = RETRY_AFTER.matcher(reply);
      long earliest = wait.find() ? now + Long.parseLong(wait.group(1)) * 1_000_000_000L : now;
      long missed = Math.max(0, Math.ceilDiv(earliest - due, gap));
      due += Math.max(1, missed) * gap;
    }
  }

  private static double p99(ConcurrentLinkedQueue<Long> nanos) {
    long[] sorted = nanos.stream().mapToLong(Long::longValue).toArray();
    Arrays.sort(sorted);
    return sorted.length == 0 ? 0 : sorted[(int) (sorted.length * 0.99)] / 1e6;
  }
}
