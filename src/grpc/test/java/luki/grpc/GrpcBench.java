package luki.grpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import luki.gateway.cli.Main;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Waiting;
import luki.memory.v1.SearchReply;
import luki.memory.v1.SearchRequest;

/**
 * Unary calls a second, and processor time a call of what stands between: to the service itself,
 * through nginx's {@code grpc_pass} and through the gateway, each in a process of its own, in
 * turns. A round before the others lets the compilers of the JVM do their work. Arguments: seconds
 * a round, rounds, calls at once.
 */
final class GrpcBench {
  private static final String PEPPER = "a pepper for the bench, long enough to be taken for one";
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final int CONNECTIONS = 4;
  private static final int WARM_UP_SECONDS = 45;
  private static final String NGINX = "nginx grpc_pass";
  private static final String GATEWAY = "gateway";
  private static final SearchRequest REQUEST =
      SearchRequest.newBuilder().setUserId("maria_k").setQuery("hiking").setLimit(3).build();

  private GrpcBench() {}

  /** The service, for a process of its own: it answers each search with nothing. */
  static final class Origin {
    private Origin() {}

    public static void main(String[] arguments) throws Exception {
      var service =
          io.grpc.ServerServiceDefinition.builder(MemoryMethods.SERVICE)
              .addMethod(
                  MemoryMethods.SEARCH,
                  io.grpc.stub.ServerCalls.asyncUnaryCall(
                      (_, reply) -> {
                        reply.onNext(SearchReply.getDefaultInstance());
                        reply.onCompleted();
                      }))
              .build();
      io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder.forPort(Integer.parseInt(arguments[0]))
          .directExecutor()
          .addService(service)
          .build()
          .start()
          .awaitTermination();
    }
  }

  public static void main(String[] arguments) throws Exception {
    int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 5;
    int rounds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 3;
    int atOnce = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 64;
    Path directory = Files.createTempDirectory("grpc-bench");
    List<Process> processes = new ArrayList<>();
    try {
      List<Way> ways = start(directory, processes);
      String key = key(directory);
      for (int round = 0; round <= rounds; round++) {
        for (Way way : ways) {
          double before = way.micros();
          double calls = load(way.port, key, round == 0 ? WARM_UP_SECONDS : seconds, atOnce);
          if (round > 0) {
            way.rates.add(calls / seconds);
            way.costs.add((way.micros() - before) / calls);
          }
        }
      }
      print(ways, atOnce);
    } finally {
      processes.forEach(Process::destroy);
      for (Process process : processes) {
        int _ = process.waitFor();
      }
      Processes.deleteTree(directory);
    }
  }

  /** A way to the service, and what was measured of it. */
  private record Way(
      String name, int port, Process process, List<Double> rates, List<Double> costs) {
    Way(String name, int port, Process process) {
      this(name, port, process, new ArrayList<>(), new ArrayList<>());
    }

    /** Processor time that its process and those below it have used. */
    double micros() {
      return Stream.concat(Stream.of(process.toHandle()), process.descendants())
              .map(each -> each.info().totalCpuDuration().orElse(Duration.ZERO))
              .mapToLong(Duration::toNanos)
              .sum()
          / 1e3;
    }
  }

  private static List<Way> start(Path directory, List<Process> processes) throws IOException {
    List<Way> ways = new ArrayList<>();
    int origin = Processes.freePort();
    processes.add(
        new ProcessBuilder(Processes.javaCommand(Origin.class, List.of(), Integer.toString(origin)))
            .inheritIO()
            .start());
    ways.add(new Way("the service itself", origin, processes.getLast()));
    int nginx = Processes.freePort();
    if (Files.isExecutable(Path.of("/usr/sbin/nginx"))) {
      processes.add(nginx(directory, nginx, origin));
      ways.add(new Way(NGINX, nginx, processes.getLast()));
    }
    int gateway = Processes.freePort();
    processes.add(gateway(directory, gateway, origin));
    ways.add(new Way(GATEWAY, gateway, processes.getLast()));
    ways.forEach(way -> await(way.port));
    return ways;
  }

  private static Process nginx(Path directory, int port, int origin) throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("nginx.conf"),
            """
            daemon off;
            worker_processes auto;
            error_log stderr crit;
            pid @DIRECTORY@/nginx.pid;
            events { worker_connections 4096; }
            http {
              access_log off;
              client_body_temp_path @DIRECTORY@/body;
              proxy_temp_path @DIRECTORY@/proxy;
              fastcgi_temp_path @DIRECTORY@/fastcgi;
              uwsgi_temp_path @DIRECTORY@/uwsgi;
              scgi_temp_path @DIRECTORY@/scgi;
              upstream origin { server 127.0.0.1:@ORIGIN@; keepalive 256; keepalive_requests 100000000; }
              server {
                listen 127.0.0.1:@PORT@ http2;
                keepalive_requests 100000000;
                location / { grpc_pass grpc://origin; }
              }
            }
            """
                .replace("@DIRECTORY@", directory.toString())
                .replace("@ORIGIN@", Integer.toString(origin))
                .replace("@PORT@", Integer.toString(port)));
    return new ProcessBuilder("/usr/sbin/nginx", "-p", directory.toString(), "-c", file.toString())
        .inheritIO()
        .start();
  }

  /** As in production but for consent, of which nginx knows nothing. */
  private static Process gateway(Path directory, int port, int origin) throws IOException {
    String rules = Files.readString(Path.of("config/gateway.yaml"));
    Path file =
        Files.writeString(
            directory.resolve("gateway.yaml"),
            rules.replaceAll(",\\n *consent: \\{[^}]*\\}\\}", "}"));
    ProcessBuilder builder =
        new ProcessBuilder(
            Processes.javaCommand(Main.class, List.of("-XX:+UseCompactObjectHeaders"), "serve"));
    builder.environment().clear();
    builder
        .environment()
        .putAll(
            Map.of(
                "ENVIRONMENT",
                "dev",
                "PORT",
                Integer.toString(Processes.freePort()),
                "GRPC_PORT",
                Integer.toString(port),
                "GRPC_URLS",
                "memory=grpc://127.0.0.1:" + origin,
                "GATEWAY_CONFIG",
                file.toString(),
                "API_KEYS_FILE",
                directory.resolve("keys.json").toString(),
                "API_KEY_PEPPER",
                PEPPER,
                "RATE_LIMIT_PER_MIN",
                "6000000"));
    return builder
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(directory.resolve("err").toFile())
        .start();
  }

  private static String key(Path directory) throws Exception {
    ApiKeyAdmin keys =
        new ApiKeyAdmin(
            new KeyFile(directory.resolve("keys.json")),
            KeyedHash.ofPepper(PEPPER),
            Clock.systemUTC());
    Users users = Users.only(Set.of(new UserId("maria_k")));
    return keys.create(
            new ApiKeyAdmin.Wanted(
                "bench", Set.of(new Scope("elr:read")), Set.of(), users, null, null))
        .reveal();
  }

  private static void await(int port) {
    Waiting.until(
        START_LIMIT,
        () -> {
          try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
          } catch (IOException notYet) {
            return false;
          }
        });
  }

  /** So many calls at once, a new one as soon as one has ended; how many were answered. */
  private static double load(int port, String key, int seconds, int atOnce)
      throws InterruptedException {
    List<ManagedChannel> channels = new ArrayList<>();
    for (int i = 0; i < CONNECTIONS; i++) {
      channels.add(
          NettyChannelBuilder.forAddress("127.0.0.1", port)
              .usePlaintext()
              .directExecutor()
              .build());
    }
    Metadata headers = new Metadata();
    headers.put(Site.API_KEY, key);
    long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    Caller caller = new Caller(headers, end, atOnce);
    for (int i = 0; i < atOnce; i++) {
      caller.call(channels.get(i % CONNECTIONS));
    }
    caller.ended.await();
    channels.forEach(ManagedChannel::shutdownNow);
    if (caller.failed.sum() > caller.answered.sum() / 100) {
      // The key file is read every two seconds.
      System.err.println(caller.failed.sum() + " calls failed: " + caller.failure);
    }
    return caller.answered.sum();
  }

  private static final class Caller {
    private final Metadata headers;
    private final long end;
    private final CountDownLatch ended;
    private final AtomicInteger open;
    private final LongAdder answered = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private volatile Status failure = Status.OK;

    Caller(Metadata headers, long end, int atOnce) {
      this.headers = headers;
      this.end = end;
      this.open = new AtomicInteger(atOnce);
      this.ended = new CountDownLatch(1);
    }

    void call(Channel channel) {
      ClientCall<SearchRequest, SearchReply> call =
          channel.newCall(MemoryMethods.SEARCH, CallOptions.DEFAULT);
      Metadata sent = new Metadata();
      sent.merge(headers);
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onClose(Status status, Metadata trailers) {
              if (status.isOk()) {
                answered.increment();
              } else {
                failed.increment();
                failure = status;
              }
              if (System.nanoTime() < end) {
                call(channel);
              } else if (open.decrementAndGet() == 0) {
                ended.countDown();
              }
            }
          },
          sent);
      call.request(2);
      call.sendMessage(REQUEST);
      call.halfClose();
    }
  }

  private static void print(List<Way> ways, int atOnce) {
    System.out.println("Unary calls, " + atOnce + " at once, medians of the rounds:");
    System.out.println("| through | calls/s | processor time a call |");
    System.out.println("| --- | --- | --- |");
    for (Way way : ways) {
      System.out.printf(
          "| %s | %.0f | %.1f µs |%n", way.name, median(way.rates), median(way.costs));
    }
    if (ways.get(1).name.equals(NGINX)) {
      List<Double> nginx = ways.get(1).rates;
      List<Double> ours = ways.getLast().rates;
      List<Double> ratios =
          IntStream.range(0, ours.size()).mapToObj(i -> ours.get(i) / nginx.get(i)).toList();
      System.out.printf("%s / %s: %.2f, rounds %s%n", GATEWAY, NGINX, median(ratios), ratios);
    } else {
      System.out.println("nginx is not installed, so there is nothing to compare with");
    }
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}
