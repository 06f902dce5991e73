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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
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
 * Unary calls a second: to the service itself, through nginx's {@code grpc_pass} and through the
 * gateway, each in a process of its own, in turns. Arguments: seconds a round, rounds, calls at
 * once.
 */
final class GrpcBench {
  private static final String PEPPER = "a pepper for the bench, long enough to be taken for one";
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final int CONNECTIONS = 4;
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
      Map<String, Integer> ports = start(directory, processes);
      String key = key(directory);
      Map<String, List<Double>> rates = new LinkedHashMap<>();
      for (int round = 0; round <= rounds; round++) {
        for (Map.Entry<String, Integer> each : ports.entrySet()) {
          double rate = load(each.getValue(), key, seconds, atOnce);
          if (round > 0) {
            rates.computeIfAbsent(each.getKey(), _ -> new ArrayList<>()).add(rate);
          }
        }
      }
      print(rates, atOnce);
    } finally {
      processes.forEach(Process::destroy);
      for (Process process : processes) {
        int _ = process.waitFor();
      }
      Processes.deleteTree(directory);
    }
  }

  private static Map<String, Integer> start(Path directory, List<Process> processes)
      throws IOException {
    Map<String, Integer> ports = new LinkedHashMap<>();
    int origin = Processes.freePort();
    processes.add(
        new ProcessBuilder(Processes.javaCommand(Origin.class, List.of(), Integer.toString(origin)))
            .inheritIO()
            .start());
    ports.put("direct", origin);
    int nginx = Processes.freePort();
    if (Files.isExecutable(Path.of("/usr/sbin/nginx"))) {
      processes.add(nginx(directory, nginx, origin));
      ports.put("nginx grpc_pass", nginx);
    }
    int gateway = Processes.freePort();
    processes.add(gateway(directory, gateway, origin));
    ports.put("gateway", gateway);
    ports.values().forEach(GrpcBench::await);
    return ports;
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

  /** So many calls at once, a new one as soon as one has ended. */
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
    return caller.answered.sum() / (double) seconds;
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

  private static void print(Map<String, List<Double>> rates, int atOnce) {
    System.out.println("Unary calls a second, " + atOnce + " at once, median of the rounds:");
    rates.forEach(
        (name, each) -> {
          double[] sorted = each.stream().mapToDouble(Double::doubleValue).sorted().toArray();
          System.out.printf(
              "| %s | %.0f | %s |%n", name, sorted[sorted.length / 2], Arrays.toString(sorted));
        });
    List<Double> nginx = rates.get("nginx grpc_pass");
    if (nginx != null) {
      List<Double> ours = rates.get("gateway");
      double[] ratios = new double[ours.size()];
      Arrays.setAll(ratios, i -> ours.get(i) / nginx.get(i));
      Arrays.sort(ratios);
      System.out.printf("gateway / nginx: %.2f%n", ratios[ratios.length / 2]);
    }
  }
}
