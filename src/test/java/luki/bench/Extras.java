package luki.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a table of throughputs does not show: latency, idle connections, streams, many callers. */
final class Extras {
  private static final Pattern TOKEN = Pattern.compile("\"token\":\"(\\d+)\"");
  private static final Duration STREAM_TIME = Duration.ofSeconds(12);

  private final Field field;
  private final Load load;
  private final Subject ours;
  private final Child process;

  Extras(Field field, Load load, Subject ours, Child process) {
    this.field = field;
    this.load = load;
    this.ours = ours;
    this.process = process;
  }

  /** Added to the way without anything between, at this rate. */
  String latency(double rate) throws IOException, InterruptedException {
    System.err.printf("latency at %.0f requests a second%n", rate);
    byte[] request = Workload.POST.bytes(field.key());
    int origin = field.named(Subject.DIRECT).orElseThrow().port();
    Duration time = Duration.ofSeconds(5);
    List<Double> p50 = new ArrayList<>();
    List<Double> p99 = new ArrayList<>();
    for (int round = 0; round < 3; round++) {
      OpenLoop.Latency direct = new OpenLoop(request, origin).run(rate, time);
      OpenLoop.Latency through = new OpenLoop(request, ours.port()).run(rate, time);
      p50.add(through.p50() - direct.p50());
      p99.add(through.p99() - direct.p99());
    }
    return "latency added at %.0f requests/s: p50 %.2f ms, p99 %.2f ms"
        .formatted(rate, Rounds.median(p50), Rounds.median(p99));
  }

  String idle(int connections) throws IOException {
    System.err.println(connections + " idle connections");
    List<Socket> open = new ArrayList<>();
    try {
      // The first ones grow what is there once for all of them.
      open(open, 200);
      long before = process.residentKb();
      open(open, connections);
      long each = (process.residentKb() - before) * 1024 / connections;
      long began = System.nanoTime();
      try (ClosedLoop.Caller caller = new ClosedLoop.Caller(ours.port())) {
        caller.ask(Workload.POST.bytes(field.key()));
      }
      return "%d idle connections: %.1f KB of RSS each, a new request took %.1f ms"
          .formatted(connections, each / 1024.0, (System.nanoTime() - began) / 1e6);
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
  }

  private void open(List<Socket> all, int count) throws IOException {
    byte[] request = Workload.GET.bytes(field.key());
    for (int i = 0; i < count; i++) {
      ClosedLoop.Caller caller = new ClosedLoop.Caller(ours.port());
      if (i % 10 == 0) {
        // Some have served a request before they fell silent.
        caller.ask(request);
      }
      all.add(caller.socket());
    }
  }

  String streams(int count) throws IOException, InterruptedException {
    System.err.println(count + " streams at one event a second");
    long before = process.residentKb();
    ConcurrentLinkedQueue<Long> late = new ConcurrentLinkedQueue<>();
    CountDownLatch opened = new CountDownLatch(count);
    long end = System.nanoTime() + STREAM_TIME.plusSeconds(count / 500).toNanos();
    List<Thread> readers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      readers.add(Thread.ofVirtual().start(() -> read(opened, late, end)));
      Thread.sleep(1);
    }
    if (!opened.await(60, TimeUnit.SECONDS)) {
      return count + " streams: only " + (count - opened.getCount()) + " could be opened";
    }
    long each = (process.residentKb() - before) * 1024 / count;
    for (Thread reader : readers) {
      reader.join();
    }
    List<Long> sorted = new ArrayList<>(late);
    Collections.sort(sorted);
    double p99 = sorted.get((int) (sorted.size() * 0.99)) / 1e6;
    return "%d streams at one event a second: %.1f KB of RSS each, %d events, p99 %.1f ms late"
        .formatted(count, each / 1024.0, sorted.size(), p99);
  }

  private void read(CountDownLatch opened, ConcurrentLinkedQueue<Long> late, long end) {
    String body = "{\"user_id\":\"maria_k\",\"message\":\"hello\"}";
    String request =
        "POST /v1/chat/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "
            + field.key()
            + "\r\nContent-Type: application/json\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body;
    try (Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), ours.port())) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII), 512);
      boolean first = true;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher token = TOKEN.matcher(line);
        if (token.find()) {
          if (first) {
            opened.countDown();
          } else {
            // The first one came while connections were still being made.
            late.add(System.nanoTime() - Long.parseLong(token.group(1)));
          }
          first = false;
        }
        if (System.nanoTime() - end > 0) {
          return;
        }
      }
    } catch (IOException broken) {
      // Counted by its absence.
    }
  }

  /** Processor time for each request with one caller and with many. */
  String callers(Duration time) throws IOException, InterruptedException {
    System.err.println(field.keys().size() + " callers");
    double few = cpu(field.keys().subList(0, Math.min(10, field.keys().size())), time);
    double many = cpu(field.keys(), time);
    return "processor time for each request: %.1f µs with 10 callers, %.1f µs with %d (ratio %.2f)"
        .formatted(few, many, field.keys().size(), many / few);
  }

  private double cpu(List<String> keys, Duration time) throws IOException, InterruptedException {
    Path script = field.directory().resolve("callers.lua");
    StringBuilder lua = new StringBuilder(Workload.POST.wrkScript(field.key()));
    Path list = field.directory().resolve("callers.txt");
    Files.write(list, keys);
    lua.append("local keys = {}\nfor line in io.lines(\"").append(list).append("\") do\n");
    lua.append("  keys[#keys + 1] = line\nend\nlocal i = 0\nrequest = function()\n");
    lua.append("  i = i % #keys + 1\n  wrk.headers[\"Authorization\"] = \"Bearer \" .. keys[i]\n");
    lua.append("  return wrk.format()\nend\n");
    Files.writeString(script, lua);
    double before = process.cpuSeconds();
    double rate = load.runScript(script, Workload.POST, ours.port(), 64, time);
    return (process.cpuSeconds() - before) * 1e6 / (rate * time.toSeconds());
  }
}
