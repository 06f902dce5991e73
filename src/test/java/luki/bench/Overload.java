package luki.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.bench.BenchSetup.Contender;
import luki.bench.Load.Workload;

/**
 * Many clients that ask for more than can be done. Each has a connection and a key of its own, and
 * sends when it is due; while it waits for a reply, what is due is not sent, as by somebody who
 * gave up. Who is told when to ask again ({@code Retry-After}) waits until then.
 */
final class Overload {
  private static final int CLIENTS = 600;
  private static final int TIMES = 3;
  private static final int ROUNDS = 5;
  private static final Duration TIME = Duration.ofSeconds(4);
  // In which it is not yet known how much will come.
  private static final Duration RAMP = Duration.ofSeconds(2);
  private static final Duration WARM_UP = Duration.ofSeconds(10);
  private static final double AS_MANY_AS_POSSIBLE = 1e6;
  private static final Pattern LENGTH = Pattern.compile("(?i)\r\nContent-Length: (\\d+)\r\n");
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
  record Result(double goodput, double refused, double p99, double refusedP99) {
    private static Result of(List<Client> clients, Duration time) {
      long[] answered = sorted(clients.stream().flatMap(client -> client.answered.stream()));
      long[] refused = sorted(clients.stream().flatMap(client -> client.refused.stream()));
      double seconds = time.toNanos() / 1e9;
      return new Result(
          answered.length / seconds, refused.length / seconds, p99(answered), p99(refused));
    }

    private static long[] sorted(Stream<Long> nanos) {
      return nanos.mapToLong(Long::longValue).sorted().toArray();
    }

    private static double p99(long[] sorted) {
      return sorted.length == 0 ? 0 : sorted[(int) (sorted.length * 0.99)] / 1e6;
    }
  }

  /** One round: the most, 0.8 of that, and three times as much of three times as many clients. */
  private record Round(Result most, Result usual, Result beyond) {
    private static Round of(List<byte[]> requests, int port) throws IOException {
      Result most = run(requests, port, CLIENTS, AS_MANY_AS_POSSIBLE, TIME);
      Result usual = run(requests, port, CLIENTS, 0.8 * most.goodput, TIME);
      Result beyond = run(requests, port, TIMES * CLIENTS, TIMES * most.goodput, TIME);
      return new Round(most, usual, beyond);
    }
  }

  /**
   * A row of the table: what a contender does for these clients on one processor, as medians of the
   * rounds. Empty where a process cannot be bound to a processor.
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
      List<Round> rounds = new ArrayList<>();
      for (int i = 0; i < ROUNDS; i++) {
        rounds.add(Round.of(requests, port));
      }
      return "| %s | %,.0f | %.1f ms | %.2f | %.1f ms | %.1f | %,.0f | %.1f ms |"
          .formatted(
              contender.name(),
              median(rounds, round -> round.most.goodput),
              median(rounds, round -> round.usual.p99),
              median(rounds, round -> round.beyond.goodput / round.most.goodput),
              median(rounds, round -> round.beyond.p99),
              median(rounds, round -> round.beyond.p99 / round.usual.p99),
              median(rounds, round -> round.beyond.refused),
              median(rounds, round -> round.beyond.refusedP99));
    }
  }

  private static double median(List<Round> rounds, ToDoubleFunction<Round> figure) {
    return rounds.stream().mapToDouble(figure).sorted().skip(ROUNDS / 2).findFirst().orElseThrow();
  }

  /** Sends that many requests a second in all, evenly, and counts those after the ramp. */
  static Result run(List<byte[]> requests, int port, int count, double rate, Duration time)
      throws IOException {
    try (Selector selector = Selector.open()) {
      long gap = (long) (count * 1e9 / rate);
      List<Client> clients = new ArrayList<>();
      try {
        for (int i = 0; i < count; i++) {
          clients.add(new Client(port, selector, requests.get(i % requests.size()), gap));
        }
        long begin = System.nanoTime();
        PriorityQueue<Client> waiting =
            new PriorityQueue<>(Comparator.comparingLong(client -> client.due - begin));
        long counted = begin + RAMP.toNanos();
        for (int i = 0; i < count; i++) {
          clients.get(i).due = begin + i * gap / count;
          clients.get(i).counted = counted;
          waiting.add(clients.get(i));
        }
        play(selector, waiting, counted + time.toNanos());
        return Result.of(clients, time);
      } finally {
        for (Client client : clients) {
          client.channel.close();
        }
      }
    }
  }

  /**
   * On one thread, as wrk does it: what a client waits for is then the contender, and not its turn
   * among the threads of this process.
   */
  private static void play(Selector selector, PriorityQueue<Client> waiting, long end)
      throws IOException {
    int asking = 0;
    while (asking > 0 || (!waiting.isEmpty() && waiting.peek().due - end < 0)) {
      long now = System.nanoTime();
      while (!waiting.isEmpty() && waiting.peek().due - Math.min(now, end) < 0) {
        waiting.remove().send();
        asking++;
      }
      long pause = waiting.isEmpty() ? Long.MAX_VALUE : waiting.peek().due - now;
      // What is due within a millisecond goes together: waiting costs the others no time.
      selector.select(Math.clamp(pause / 1_000_000, 1, 1000));
      for (SelectionKey key : selector.selectedKeys()) {
        Client client = (Client) key.attachment();
        if (client.hasReply()) {
          waiting.add(client);
          asking--;
        }
      }
      selector.selectedKeys().clear();
    }
  }

  /** A connection, and what came on it. */
  private static final class Client {
    private final SocketChannel channel;
    private final ByteBuffer request;
    private final ByteBuffer reply = ByteBuffer.allocate(8192);
    private final long gap;
    private final List<Long> answered = new ArrayList<>();
    private final List<Long> refused = new ArrayList<>();
    private long due;
    private long counted;
    private long sent;

    Client(int port, Selector selector, byte[] request, long gap) throws IOException {
      this.channel =
          SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.configureBlocking(false);
      channel.register(selector, SelectionKey.OP_READ, this);
      this.request = ByteBuffer.wrap(request);
      this.gap = gap;
    }

    void send() throws IOException {
      sent = System.nanoTime();
      channel.write(request.rewind());
      if (request.hasRemaining()) {
        throw new IOException("a request did not fit into the socket's buffer");
      }
    }

    /** Reads what is there; whether the reply is complete, and then when the next is due. */
    boolean hasReply() throws IOException {
      if (channel.read(reply) < 0) {
        throw new IOException("a client was cut off");
      }
      String text = new String(reply.array(), 0, reply.position(), StandardCharsets.ISO_8859_1);
      int body = text.indexOf("\r\n\r\n") + 4;
      Matcher length = LENGTH.matcher(text);
      if (body < 4 || (length.find() && text.length() - body < Integer.parseInt(length.group(1)))) {
        return false;
      }
      reply.clear();
      long now = System.nanoTime();
      // An empty reply did not come from the origin.
      boolean success = text.startsWith("HTTP/1.1 2") && text.length() > body;
      if (sent - counted >= 0) {
        (success ? answered : refused).add(now - sent);
      }
      Matcher wait = RETRY_AFTER.matcher(text);
      long earliest = wait.find() ? now + Long.parseLong(wait.group(1)) * 1_000_000_000L : now;
      due += Math.max(1, Math.ceilDiv(earliest - due, gap)) * gap;
      return true;
    }
  }
}
